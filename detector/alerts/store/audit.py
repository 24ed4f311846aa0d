"""The audit log: append-only, each entry's hash covers the one before, so that a change or a gap shows.

Entries older than they may be are released: an entry says up to which, and what the hash of the last one was, so that the chain
goes on from there; only those does the database let go of.

It never names an account: what concerns one is named by the id of its alert, allowance or label, so that the log need
not be changed when an account is erased.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, func, insert, select

from detector.alerts.store.database import AUDIT_LOCK, Database
from detector.alerts.store.tables import audit
from detector.alerts.store.times import Micros

_NOTHING: Final = bytes(32)
_AT_ONCE: Final = 1_000
_RELEASE: Final = "audit.release"


class AuditEntry(msgspec.Struct, frozen=True):
    """Who did what to what.

    Attributes:
        id: from 1, without gaps.
        at: when.
        actor: name of the token, or `engine`.
        action: what was done, e.g. `alert.triage`.
        subject: id of what it was done to.
        detail: JSON-able, without personal data.
        hash: hex.
    """

    id: int
    at: Micros
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

    def release(self, now: int, before: int, actor: str) -> int:
        """Release entries that are older than they may be; they can be deleted then.

        Args:
            now: wall clock, µs.
            before: time of the first entry that stays, µs.
            actor: who says so.

        Returns:
            Id of the last entry that is released, 0 where none is.
        """
        with self._database.write() as connection:
            self._database.lock(connection, AUDIT_LOCK)
            old = self._released(connection)
            first = connection.execute(select(func.min(audit.c.id)).where(audit.c.at >= before)).scalar()
            upto = audit.c.id < first if first is not None else audit.c.id > 0
            # Entries about retention alone are no reason: each time would write one and let go of one, for ever.
            worth = audit.c.action.not_in((_RELEASE, "retention.prune")) & (audit.c.id > (old[0] if old else 0))
            if connection.execute(select(audit.c.id).where(upto, worth).limit(1)).first() is None:
                return old[0] if old else 0
            last = connection.execute(
                select(audit.c.id, audit.c.hash).where(upto).order_by(audit.c.id.desc()).limit(1)
            ).one()
            self.append(connection, now, actor, _RELEASE, f"audit/{last.id}", {"hash": last.hash.hex()})
            return int(last.id)

    @staticmethod
    def _released(connection: Connection) -> tuple[int, bytes] | None:
        """Id and hash of the last entry that was released."""
        newest = select(audit).where(audit.c.action == _RELEASE).order_by(audit.c.id.desc()).limit(1)
        row = connection.execute(newest).first()
        if row is None:
            return None
        return int(row.subject.removeprefix("audit/")), bytes.fromhex(msgspec.json.decode(row.detail)["hash"])

    def latest(self) -> int:
        """Id of the newest entry; 0 where there is none."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.coalesce(func.max(audit.c.id), 0))).scalar_one())

    def verify(self) -> int | None:
        """Id of the first entry that does not follow from those before it; None where all do.

        It begins after the entries that were released. The entry that says so is a part of what is verified.
        """
        with self._database.read() as connection:
            released = self._released(connection)
            expected, before = (released[0] + 1, released[1]) if released else (1, _NOTHING)
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
