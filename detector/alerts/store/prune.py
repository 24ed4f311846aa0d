"""Retention: what is older than it may be goes, a few rows at a time, and the audit log says how much."""

import time
from collections.abc import Callable, Collection
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Table, and_, delete, func, select, tuple_

from detector.alerts.store.audit import Audit
from detector.alerts.store.database import Database
from detector.alerts.store.tables import answers, audit, history, labels, notified

AT_ONCE: Final = 500  # rows a transaction: a detector that wants to write waits for no more than that
_PAUSE_S: Final = 0.02  # between two of them; SQLite has one writer, and those who wait get no turn by themselves
_ACTOR: Final = "retention"


class Keep(msgspec.Struct, frozen=True):
    """How long rows are kept, µs of the wall clock; None keeps them for ever.

    Attributes:
        versions: of alerts, the latest of each aside.
        labels: verdicts of people.
        answers: by idempotency key.
        channels: how far a channel that is no longer configured had come.
        audit: entries of the audit log.
    """

    versions: int | None = None
    labels: int | None = None
    answers: int | None = None
    channels: int | None = None
    audit: int | None = None


class Pruner:
    """Prunes one database.

    Args:
        database: where.
        log: the audit log of the same database.
        now: wall clock, µs.
    """

    def __init__(self, database: Database, log: Audit, now: Callable[[], int]) -> None:
        self._database, self._log, self._now = database, log, now

    def prune(
        self, keep: Keep, channels: Collection[str] = (), stopped: Callable[[], bool] = lambda: False
    ) -> dict[str, int]:
        """Remove what is older than it may be; what went is in the audit log.

        Args:
            keep: how long.
            channels: that are configured: their places stay, and no version goes that one of them was not told of.
            stopped: asked between two transactions; the rest is left to the next time.

        Returns:
            Rows that went, by name of the period; without those of which none did.
        """
        now = self._now()
        gone = {}
        # Places of channels first, for they hold versions back.
        for name, table, more in (
            ("channels", notified, lambda: [notified.c.channel.not_in(list(channels))]),
            ("versions", history, self._spare),
            ("labels", labels, list),
            ("answers", answers, list),
        ):
            kept = getattr(keep, name)
            if kept is not None:
                gone[name] = self._rows(table, and_(table.c.at < now - kept, *more()), stopped)
        if keep.audit is not None and (last := self._log.release(now, now - keep.audit, _ACTOR)):
            gone["audit"] = self._rows(audit, audit.c.id <= last, stopped)
        said = {name: count for name, count in gone.items() if count}
        if said:
            with self._database.write() as connection:
                self._log.append(connection, self._now(), _ACTOR, "retention.prune", "store", said)
        self._database.scrub()
        return said

    def _spare(self) -> list[ColumnElement[bool]]:
        """Versions that everybody was told of, and that are not the latest of their alert."""
        with self._database.read() as connection:
            told = connection.execute(select(func.min(notified.c.version))).scalar()
        later = history.alias()
        superseded = select(later.c.id).where(later.c.alert_id == history.c.alert_id, later.c.id > history.c.id)
        return [superseded.exists(), *([] if told is None else [history.c.id <= told])]

    def _rows(self, table: Table, which: ColumnElement[bool], stopped: Callable[[], bool]) -> int:
        """Delete rows; they are looked for without a lock, which only the deleting takes."""
        key = tuple_(*table.primary_key)
        query = select(*table.primary_key).where(which).order_by(*table.primary_key).limit(AT_ONCE)
        total, page = 0, query
        while not stopped():
            with self._database.read() as connection:
                found = [tuple(row) for row in connection.execute(page)]
            if found:
                with self._database.write() as connection:
                    total += connection.execute(delete(table).where(key.in_(found), which)).rowcount
            if len(found) < AT_ONCE:
                break
            # What stays is in front, and would be looked through again each time.
            page = query.where(key > tuple_(*found[-1]))
            time.sleep(_PAUSE_S)
        return total
