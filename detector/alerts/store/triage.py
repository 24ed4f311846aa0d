"""What people decide about alerts, and how they take it back."""

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from detector.alerts.model import Alert, Status
from detector.alerts.store.alerts import Alerts
from detector.alerts.store.audit import Audit
from detector.alerts.store.database import Database
from detector.alerts.store.tables import history, triage
from detector.alerts.store.times import Micros


class NothingToUndoError(LookupError):
    """No decision about the alert stands."""


class Decision(msgspec.Struct, frozen=True):
    """A status given to an alert by a person.

    Attributes:
        id, alert_id, at, actor: which, when, by whom.
        before, after: status.
        note: why, in the person's words.
        undone_at, undone_by: where it was taken back.
    """

    id: int
    alert_id: str
    at: Micros
    actor: str
    before: Status
    after: Status
    note: str | None = None
    undone_at: Micros | None = None
    undone_by: str | None = None


class Triage:
    """Decisions of one database.

    Args:
        database: where.
        alerts, audit: of the same database.
        now: wall clock, µs.
    """

    def __init__(self, database: Database, alerts: Alerts, audit: Audit, now: Callable[[], int]) -> None:
        self._database, self._alerts, self._audit, self._now = database, alerts, audit, now

    def decide(self, name: str, status: Status, actor: str, note: str | None = None) -> Alert | None:
        """Give an alert a status; None where there is no such alert."""
        with self._database.write() as connection:
            old = self._alerts.read(connection, name)
            if old is None:
                return None
            now = self._now()
            values = {"alert_id": name, "at": now, "actor": actor, "before": old.status, "after": status, "note": note}
            connection.execute(insert(triage).values(**values))
            detail = {"before": old.status, "after": status}
            self._audit.append(connection, now, actor, "alert.triage", name, detail)
            return self._set(connection, old, status, 0)

    def undo(self, name: str, actor: str) -> Alert | None:
        """Take the latest standing decision back; None where there is no such alert.

        Raises:
            NothingToUndoError: no decision stands.
        """
        with self._database.write() as connection:
            old = self._alerts.read(connection, name)
            if old is None:
                return None
            standing = select(triage).where(triage.c.alert_id == name, triage.c.undone_at.is_(None))
            last = connection.execute(standing.order_by(triage.c.id.desc()).limit(1)).first()
            if last is None:
                raise NothingToUndoError(name)
            now = self._now()
            done = update(triage).where(triage.c.id == last.id).values(undone_at=now, undone_by=actor)
            connection.execute(done)
            detail = {"before": old.status, "after": last.before, "decision": last.id}
            self._audit.append(connection, now, actor, "alert.undo", name, detail)
            return self._set(connection, old, last.before, self._since(connection, name))

    def decisions(self, name: str) -> list[Decision]:
        """All decisions about an alert, the first one first."""
        with self._database.read() as connection:
            rows = connection.execute(select(triage).where(triage.c.alert_id == name).order_by(triage.c.id))
            return [_decision(row) for row in rows]

    @staticmethod
    def _since(connection: Connection, name: str) -> int:
        """How many accounts joined since the decision that stands now; none where none does."""
        standing = select(func.max(triage.c.at)).where(triage.c.alert_id == name, triage.c.undone_at.is_(None))
        at = connection.execute(standing).scalar()
        if at is None:
            return 0
        later = select(history.c.joined).where(history.c.alert_id == name, history.c.at > at)
        return sum(len(msgspec.json.decode(text)) for text in connection.execute(later).scalars())

    def _set(self, connection: Connection, old: Alert, status: Status, joiners: int) -> Alert:
        new = msgspec.structs.replace(old, status=status)
        self._alerts.write(connection, old, new, joiners)
        return new


def _decision(row: Row[Any]) -> Decision:
    return Decision(**row._asdict())
