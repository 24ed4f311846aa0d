"""The audit log: append-only, each entry's hash covers the one before, so that a change or a gap shows.

It never names an account: what concerns one is named by the id of its alert, allowance or label, so that the log need
not be changed when an account is erased.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select

from detector.alerts.store.database import AUDIT_LOCK, Database
from detector.alerts.store.tables import audit

_NOTHING: Final = bytes(32)
_AT_ONCE: Final = 1_000


class AuditEntry(msgspec.Struct, frozen=True):
    """Who did what to what.

    Attributes:
        id: from 1, without gaps.
        at: µs.
        actor: name of the token, or `engine`.
        action: what was done, e.g. `alert.triage`.
        subject: id of what it was done to.
        detail: JSON-able, without personal data.
        hash: hex.
    """

    id: int
    at: int
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    hash: str


class Audit:
    """The log of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self, connection: Connection, at: int, actor: str, action: str, subject: str, detail: Mapping[str, Any]
    ) -> int:
        """Add an entry within the transaction of what it tells of; returns its id."""
        self._database.lock(connection, AUDIT_LOCK)
        last = connection.execute(select(audit.c.id, audit.c.hash).order_by(audit.c.id.desc()).limit(1)).first()
        number, before = (last.id + 1, last.hash) if last else (1, _NOTHING)
        text = msgspec.json.encode(detail, order="sorted").decode()
        values = {"id": number, "at": at, "actor": actor, "action": action, "subject": subject, "detail": text}
        connection.execute(insert(audit).values(**values, hash=_hash(before, values)))
        return int(number)

    def page(self, after: int = 0, limit: int = 100) -> list[AuditEntry]:
        """Entries with an id above `after`, in order."""
        with self._database.read() as connection:
            rows = connection.execute(select(audit).where(audit.c.id > after).order_by(audit.c.id).limit(limit))
            return [_entry(row) for row in rows]

    def verify(self) -> int | None:
        """Id of the first entry that does not follow from those before it; None where all do."""
        expected, before = 1, _NOTHING
        with self._database.read() as connection:
            while True:
                query = select(audit).where(audit.c.id >= expected).order_by(audit.c.id).limit(_AT_ONCE)
                rows = connection.execute(query).all()
                for row in rows:
                    values = {c: getattr(row, c) for c in ("id", "at", "actor", "action", "subject", "detail")}
                    if row.id != expected or row.hash != _hash(before, values):
                        return expected
                    expected, before = expected + 1, row.hash
                if len(rows) < _AT_ONCE:
                    return None


def _hash(before: bytes, values: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(before + msgspec.json.encode(values, order="sorted")).digest()


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        row.id, row.at, row.actor, row.action, row.subject, msgspec.json.decode(row.detail), row.hash.hex()
    )
