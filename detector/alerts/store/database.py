"""A connection to SQLite or PostgreSQL, and the migrations that bring it up to date."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

_BUSY_MS: Final = 10_000
_SCRUB_MS: Final = 2_000  # writers wait for as long
_WRITES: Final = "revenuer_writes"
MIGRATION_LOCK: Final = 0x5245_5645  # any number that nobody else of this database locks
AUDIT_LOCK: Final = MIGRATION_LOCK + 1


class AwayError(RuntimeError):
    """The database does not answer, or somebody else holds it; the same may be asked later."""


def sqlite_url(path: Path) -> str:
    """URL of a SQLite file."""
    return f"sqlite:///{path}"


class Database:
    """Transactions on one database.

    Args:
        url: as SQLAlchemy reads it, `sqlite:///…` or `postgresql+psycopg://…`.
    """

    def __init__(self, url: str) -> None:
        # A server may have ended a connection meanwhile; a file cannot.
        self.engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        self.sqlite = self.engine.dialect.name == "sqlite"
        if self.sqlite:
            event.listen(self.engine, "connect", _configure)
            event.listen(self.engine, "begin", _begin)
        self._writer = self.engine.execution_options(**{_WRITES: True})
        self.changes = 0  # grows with each transaction that may have written

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that reads.

        Raises:
            AwayError: the database went away, or was not there.
        """
        with _told(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes: all of it or nothing.

        Raises:
            AwayError: the database went away, or was not there; whether it took the last word is not known.
        """
        try:
            with _told(), self._writer.begin() as connection:
                yield connection
        finally:
            self.changes += 1

    def scrub(self) -> bool:
        """Let no file keep what was deleted: SQLite's log holds pages as they were until it is cut off.

        Returns:
            Whether it is gone; not where somebody reads what was there before, or the database is away. The same may be asked later.
        """
        if not self.sqlite:
            return True
        try:
            # Past SQLAlchemy's transactions: a checkpoint cannot be within one.
            connection = self.engine.raw_connection()
        except DBAPIError:
            return False
        try:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout={_SCRUB_MS}")
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            cursor.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        except sqlite3.Error:
            connection.invalidate()  # its time-out may be the short one
            return False
        else:
            return not busy
        finally:
            connection.close()

    def lock(self, connection: Connection, number: int) -> None:
        """Be the only one with this number until the transaction ends; SQLite has a single writer anyway."""
        if not self.sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})

    def migrate(self, revision: str = "head") -> None:
        """Bring the tables up to date, or up to a revision."""
        config = Config()
        config.set_main_option("script_location", "detector.alerts.store:migrations")
        with self.write() as connection:
            self.lock(connection, MIGRATION_LOCK)
            config.attributes["connection"] = connection
            command.upgrade(config, revision)

    def close(self) -> None:
        """Let all connections go."""
        self.engine.dispose()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        # Neither its text nor itself goes on: they hold the statement with its values, and of a failed connection more.
        raise AwayError(type(error.orig).__name__) from None


def _configure(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own connection
    # SQLAlchemy's `begin` event starts transactions; the driver's own habit of starting them late would lose isolation.
    connection.isolation_level = None
    cursor = connection.cursor()
    # Whether deleted rows are overwritten depends on how SQLite was compiled; an erasure must not.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        f"busy_timeout={_BUSY_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A writer that begins as a reader cannot wait for its turn: SQLite would fail it at once.
    kind = "IMMEDIATE" if connection.get_execution_options().get(_WRITES) else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {kind}")
