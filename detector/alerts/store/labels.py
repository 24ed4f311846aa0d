"""Labels: what people know of an account or an alert, for training and for measuring."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select

from detector.alerts.store.audit import Audit
from detector.alerts.store.database import Database
from detector.alerts.store.tables import labels
from detector.alerts.store.times import Micros

LabelKind = Literal["account", "alert"]
Verdict = Literal["attack", "benign", "unsure"]


class Label(msgspec.Struct, frozen=True):
    """A verdict.

    Attributes:
        id: of the label.
        kind, subject: account or alert, and its id.
        label: the verdict.
        actor, at: who, when.
        note: why.
    """

    id: int
    kind: LabelKind
    subject: str
    label: Verdict
    actor: str
    at: Micros
    note: str | None = None


class Labels:
    """Labels of one database; `now` is the wall clock in µs."""

    def __init__(self, database: Database, audit: Audit, now: Callable[[], int]) -> None:
        self._database, self._audit, self._now = database, audit, now

    def add(self, kind: LabelKind, subject: str, label: Verdict, actor: str, note: str | None = None) -> Label:
        """Say something of an account or an alert; earlier labels stay."""
        with self._database.write() as connection:
            return self.put(connection, kind, subject, label, actor, note)

    def put(
        self, connection: Connection, kind: LabelKind, subject: str, label: Verdict, actor: str, note: str | None
    ) -> Label:
        """The same within a transaction."""
        now = self._now()
        values = {"kind": kind, "subject": subject, "label": label, "actor": actor, "at": now, "note": note}
        number = connection.execute(insert(labels).values(**values).returning(labels.c.id)).scalar_one()
        self._audit.append(connection, now, actor, "label.add", f"label/{number}", {"kind": kind, "label": label})
        return Label(number, kind, subject, label, actor, now, note)

    def remove(self, number: int, actor: str) -> bool:
        """Take a label away; whether it was there."""
        with self._database.write() as connection:
            gone = connection.execute(delete(labels).where(labels.c.id == number)).rowcount > 0
            if gone:
                self._audit.append(connection, self._now(), actor, "label.remove", f"label/{number}", {})
        return gone

    def page(self, *, subject: str | None = None, after: int = 0, limit: int = 50) -> list[Label]:
        """Labels with an id above `after`, in order; of one subject where it is given."""
        query = select(labels).where(labels.c.id > after).order_by(labels.c.id).limit(limit)
        if subject is not None:
            query = query.where(labels.c.subject == subject)
        with self._database.read() as connection:
            return [_label(row) for row in connection.execute(query)]


def _label(row: Row[Any]) -> Label:
    return Label(**row._asdict())
