"""How far each channel of notifications has come through the versions of alerts: the outbox's memory."""

from collections.abc import Callable

from sqlalchemy import delete, insert, select

from detector.alerts.store.database import Database
from detector.alerts.store.tables import notified


class Notified:
    """Cursors of channels, in one database.

    Args:
        database: where.
        now: wall clock, µs.
    """

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        self._database, self._now = database, now

    def of(self, channel: str, start: int) -> int:
        """The last version that a channel was told of; a new channel begins after `start`."""
        with self._database.write() as connection:
            row = connection.execute(select(notified.c.version).where(notified.c.channel == channel)).first()
            if row is not None:
                return int(row.version)
            connection.execute(insert(notified).values(channel=channel, version=start, at=self._now()))
            return start

    def move(self, channel: str, version: int) -> None:
        """A channel was told of all versions up to this one."""
        with self._database.write() as connection:
            connection.execute(delete(notified).where(notified.c.channel == channel))
            connection.execute(insert(notified).values(channel=channel, version=version, at=self._now()))
