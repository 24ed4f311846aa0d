"""Alerts and every version of what an analyst acts on: severity, status, accounts."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, Select, delete, func, insert, select, tuple_, update

from detector.alerts.model import SEVERITIES, Alert, Kind, Severity, Status
from detector.alerts.store import cursor
from detector.alerts.store.database import Database
from detector.alerts.store.grow import grow
from detector.alerts.store.tables import alert_accounts, alerts, history
from detector.alerts.store.times import Micros

Order = Literal["newest", "worst"]
_KEYS: Final = {"newest": (alerts.c.detected_at, alerts.c.id), "worst": (alerts.c.severity, alerts.c.risk, alerts.c.id)}
_SHAPES: Final[dict[Order, Any]] = {"newest": tuple[int, str], "worst": tuple[int, float, str]}


class Filters(msgspec.Struct, frozen=True):
    """Which alerts; None does not filter.

    Attributes:
        severity: at least.
        status: any of these; where people decided and accounts joined since, the alert is open, too.
        kind: account or cluster.
        account: named by the alert.
        merged: also those that went into another one.
        recommending: only those with a recommendation.
    """

    severity: Severity | None = None
    status: tuple[Status, ...] = ()
    kind: Kind | None = None
    account: str | None = None
    merged: bool = False
    recommending: bool = False


class Page(msgspec.Struct, frozen=True):
    """A part of a list.

    Attributes:
        items: alerts.
        next: cursor of what follows; None at the end.
        joiners: by alert that people decided about, how many accounts joined since; such an alert is open again as far as those go.
    """

    items: list[Alert]
    next: str | None
    joiners: dict[str, int] = {}


class Stored(msgspec.Struct, frozen=True):
    """An alert as it lies in the store, unread: a list hands most of them on as they are.

    Attributes:
        id, status, merged_into, recommendation_id: of the alert.
        joiners: accounts that joined since people decided.
        body: JSON.
    """

    id: str
    status: Status
    merged_into: str | None
    recommendation_id: str | None
    joiners: int
    body: str

    def alert(self) -> Alert:
        """The alert."""
        return msgspec.json.decode(self.body, type=Alert)


class Version(msgspec.Struct, frozen=True):
    """What an alert was from `at` on.

    Attributes:
        id: grows over all alerts, so that a stream can be resumed after it.
        alert_id, at, severity, status, risk: of the version.
        accounts: how many.
        joined, gone: since the version before.
    """

    id: int
    alert_id: str
    at: Micros
    severity: Severity
    status: Status
    risk: float
    accounts: int
    joined: list[str]
    gone: list[str]


def micros(text: str) -> int:
    """RFC 3339 as µs."""
    return round(datetime.fromisoformat(text).timestamp() * 1_000_000)


class Alerts:
    """The alerts of one database.

    Args:
        database: where.
        now: wall clock, µs.
    """

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        self._database = database
        self._now = now

    def upsert(self, found: Iterable[Alert]) -> int:
        """Take in alerts as the detector sees them now; returns how many changed.

        Nothing that was said is taken back, and status stays as people set it. What one supersedes is marked as merged.
        """
        changed = 0
        with self._database.write() as connection:
            for alert in found:
                changed += self._upsert(connection, alert)
        return changed

    def _upsert(self, connection: Connection, alert: Alert) -> bool:
        row = connection.execute(select(alerts.c.body).where(alerts.c.id == alert.id).with_for_update()).first()
        old = msgspec.json.decode(row.body, type=Alert) if row else None
        new = grow(old, alert) if old else alert
        if old == new:
            return False
        self.write(connection, old, new)
        for lost in new.supersedes:
            self._merge(connection, lost, new.id)
        return True

    def _merge(self, connection: Connection, lost: str, into: str) -> None:
        old = self.read(connection, lost)
        if old is not None and old.merged_into != into:
            self.write(connection, old, msgspec.structs.replace(old, merged_into=into))

    def write(self, connection: Connection, old: Alert | None, new: Alert, joiners: int | None = None) -> None:
        """Write an alert, and a version where something that is acted on changed.

        Args:
            connection: of a transaction.
            old: as it was.
            new: as it is.
            joiners: accounts that joined since people decided; without, as many more as join now.
        """
        joined = sorted(set(new.accounts) - set(old.accounts if old else ()))
        gone = sorted(set(old.accounts if old else ()) - set(new.accounts))
        values: dict[str, Any] = {
            "kind": new.kind,
            "severity": SEVERITIES.index(new.severity),
            "status": new.status,
            "risk": new.risk,
            "detected_at": micros(new.detected_at),
            "updated_at": self._now(),
            "merged_into": new.merged_into,
            "recommendation_id": new.recommendation.id if new.recommendation else None,
            "body": msgspec.json.encode(new).decode(),
        }
        if old is None:
            connection.execute(insert(alerts).values(id=new.id, **values))
        else:
            more = alerts.c.joiners + (len(joined) if new.status != "open" else 0)
            changed = update(alerts).where(alerts.c.id == new.id)
            connection.execute(changed.values(**values, joiners=more if joiners is None else joiners))
        if joined:
            rows = [{"account_id": a, "alert_id": new.id} for a in joined]
            connection.execute(insert(alert_accounts), rows)
        if gone:
            mine = (alert_accounts.c.alert_id == new.id) & alert_accounts.c.account_id.in_(gone)
            connection.execute(delete(alert_accounts).where(mine))
        if old is None or joined or gone or _acted_on(old) != _acted_on(new):
            version = {c: values[c] for c in ("severity", "status", "risk")} | {"at": values["updated_at"]}
            lists = {"joined": msgspec.json.encode(joined).decode(), "gone": msgspec.json.encode(gone).decode()}
            row = {**version, **lists, "alert_id": new.id, "accounts": len(new.accounts)}
            connection.execute(insert(history).values(**row))

    @staticmethod
    def read(connection: Connection, name: str) -> Alert | None:
        """An alert within a transaction that is about to change it."""
        row = connection.execute(select(alerts.c.body).where(alerts.c.id == name).with_for_update()).first()
        return msgspec.json.decode(row.body, type=Alert) if row else None

    def get(self, name: str) -> Alert | None:
        """An alert by its id."""
        with self._database.read() as connection:
            row = connection.execute(select(alerts.c.body).where(alerts.c.id == name)).first()
        return msgspec.json.decode(row.body, type=Alert) if row else None

    def recommending(self, recommendation: str) -> Alert | None:
        """The alert whose current recommendation has this id."""
        with self._database.read() as connection:
            query = select(alerts.c.body).where(alerts.c.recommendation_id == recommendation).limit(1)
            row = connection.execute(query).first()
        return msgspec.json.decode(row.body, type=Alert) if row else None

    def page(self, filters: Filters, *, order: Order = "newest", after: str | None = None, limit: int = 50) -> Page:
        """A page of alerts, the newest or the worst first.

        Raises:
            CursorError: `after` is not of this list.
        """
        rows, following = self.stored(filters, order=order, after=after, limit=limit)
        return Page([row.alert() for row in rows], following, joiners(rows))

    def stored(
        self, filters: Filters, *, order: Order = "newest", after: str | None = None, limit: int = 50
    ) -> tuple[list[Stored], str | None]:
        """The same page, and its `next`, with the alerts unread.

        Raises:
            CursorError: `after` is not of this list.
        """
        key = _KEYS[order]
        down = [c.desc() for c in key]
        wanted = _filtered(filters).with_only_columns(alerts.c.id).order_by(*down).limit(limit + 1)
        if after is not None:
            wanted = wanted.where(tuple_(*key) < tuple_(*cursor.decode(after, _SHAPES[order])))
        # The ids come out of an index alone; sorting or skipping rows with their bodies takes a hundred times as long.
        query = select(alerts).where(alerts.c.id.in_(wanted)).order_by(*down)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        found = [Stored(r.id, r.status, r.merged_into, r.recommendation_id, r.joiners, r.body) for r in rows[:limit]]
        more = len(rows) > limit
        return found, cursor.encode([getattr(rows[limit - 1], c.name) for c in key]) if more else None

    def count(self, filters: Filters) -> int:
        """How many alerts there are."""
        query = select(func.count()).select_from(_filtered(filters).subquery())
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def history(self, name: str) -> list[Version]:
        """All versions of an alert, the first one first."""
        return self._versions(select(history).where(history.c.alert_id == name).order_by(history.c.id))

    def changes(self, after: int, limit: int = 500) -> list[Version]:
        """Versions of all alerts with an id above `after`, in order."""
        return self._versions(select(history).where(history.c.id > after).order_by(history.c.id).limit(limit))

    def latest(self) -> int:
        """Id of the last version; 0 where there is none."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.coalesce(func.max(history.c.id), 0))).scalar_one())

    def _versions(self, query: Select[Any]) -> list[Version]:
        with self._database.read() as connection:
            return [_version(row) for row in connection.execute(query)]


def joiners(rows: Iterable[Stored]) -> dict[str, int]:
    """How many joined since people decided, by alert, where any did."""
    return {row.id: row.joiners for row in rows if row.joiners}


def _acted_on(alert: Alert) -> tuple[object, ...]:
    return alert.severity, alert.status, alert.merged_into


def _filtered(f: Filters) -> Select[Any]:
    query = select(alerts)
    if f.severity is not None:
        query = query.where(alerts.c.severity >= SEVERITIES.index(f.severity))
    if f.status:
        status = alerts.c.status.in_(f.status)
        query = query.where(status | (alerts.c.joiners > 0) if "open" in f.status else status)
    if f.kind is not None:
        query = query.where(alerts.c.kind == f.kind)
    if f.account is not None:
        named = select(alert_accounts.c.alert_id).where(alert_accounts.c.account_id == f.account)
        query = query.where(alerts.c.id.in_(named))
    if f.recommending:
        query = query.where(alerts.c.recommendation_id.is_not(None))
    return query if f.merged else query.where(alerts.c.merged_into.is_(None))


def _version(row: Row[Any]) -> Version:
    lists = msgspec.json.decode(row.joined), msgspec.json.decode(row.gone)
    severity = SEVERITIES[row.severity]
    return Version(row.id, row.alert_id, row.at, severity, row.status, row.risk, row.accounts, *lists)
