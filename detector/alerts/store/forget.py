"""Erasure: one account's personal data out of every table, with a receipt in the audit log that names nobody."""

import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, delete, or_, select, update

from detector.alerts.model import Alert
from detector.alerts.recommendations import unbound
from detector.alerts.store.alerts import Alerts
from detector.alerts.store.audit import Audit
from detector.alerts.store.database import Database
from detector.alerts.store.tables import (
    alert_accounts,
    alerts,
    allowances,
    answers,
    enforced,
    history,
    labels,
    outcomes,
    triage,
)
from detector.alerts.store.times import Micros


class Receipt(msgspec.Struct, frozen=True):
    """Proof of an erasure for whoever holds it; the log keeps only `digest`, which says nothing without `salt`.

    Attributes:
        audit_id: entry of the audit log.
        at: when.
        salt: hex, kept nowhere else.
        digest: SHA-256 of salt and account id, hex.
        alerts_deleted: alerts that were of this account alone.
        alerts_changed: alerts that go on without it.
        rows: other rows deleted or cleared.
    """

    audit_id: int
    at: Micros
    salt: str
    digest: str
    alerts_deleted: int
    alerts_changed: int
    rows: int


def proves(receipt: Receipt, account: str) -> bool:
    """Whether a receipt is of this account."""
    return _digest(receipt.salt, account) == receipt.digest


class Forgetter:
    """Erases accounts in one database.

    Args:
        database: where.
        alerts, audit: of the same database.
        now: wall clock, µs.
    """

    def __init__(self, database: Database, alerts: Alerts, audit: Audit, now: Callable[[], int]) -> None:
        self._database, self._alerts, self._audit, self._now = database, alerts, audit, now

    def forget(self, account: str, actor: str) -> Receipt:
        """Erase an account everywhere; the same again finds nothing and says so.

        The receipt is given though a long read keeps SQLite's log from being cut off: its salt is nowhere else, and pruning
        comes back for the log.
        """
        salt, now = secrets.token_hex(16), self._now()
        digest = _digest(salt, account)
        with self._database.write() as connection:
            deleted, changed = self._from_alerts(connection, account)
            rows = _from_rows(connection, account) + _from_words(connection, account)
            detail = {"digest": digest, "alerts_deleted": deleted, "alerts_changed": changed, "rows": rows}
            number = self._audit.append(connection, now, actor, "account.forget", f"erasure/{digest[:16]}", detail)
        self._database.scrub()
        return Receipt(number, now, salt, digest, deleted, changed, rows)

    def _from_alerts(self, connection: Connection, account: str) -> tuple[int, int]:
        query = select(alert_accounts.c.alert_id).where(alert_accounts.c.account_id == account)
        deleted = changed = 0
        for name in connection.execute(query).scalars().all():
            old = self._alerts.read(connection, name)
            if old is None:
                continue
            if len(old.accounts) == 1:
                connection.execute(delete(labels).where(labels.c.kind == "alert", labels.c.subject == name))
                connection.execute(delete(alerts).where(alerts.c.id == name))
                deleted += 1
            else:
                self._alerts.write(connection, old, without(old, account))
                changed += 1
        _from_history(connection, account)
        return deleted, changed


def without(alert: Alert, account: str) -> Alert:
    """A cluster's alert that no longer names an account; its counts stay."""
    return msgspec.structs.replace(
        alert,
        accounts=[a for a in alert.accounts if a != account],
        account_detected_at={a: t for a, t in alert.account_detected_at.items() if a != account},
        members=[m for m in alert.members if m.account_id != account],
        recommendation=unbound(alert.recommendation, account) if alert.recommendation else None,
    )


def _digest(salt: str, account: str) -> str:
    return hashlib.sha256(f"{salt}|{account}".encode()).hexdigest()


def _quoted(account: str) -> str:
    """An id as it stands within JSON."""
    return msgspec.json.encode(account).decode()


def _from_history(connection: Connection, account: str) -> None:
    named = or_(*(c.contains(_quoted(account), autoescape=True) for c in (history.c.joined, history.c.gone)))
    for row in connection.execute(select(history.c.id, history.c.joined, history.c.gone).where(named)).all():
        left = {
            name: msgspec.json.encode([a for a in msgspec.json.decode(text) if a != account]).decode()
            for name, text in (("joined", row.joined), ("gone", row.gone))
        }
        connection.execute(update(history).where(history.c.id == row.id).values(**left))


def _from_rows(connection: Connection, account: str) -> int:
    gone = (
        delete(labels).where(labels.c.kind == "account", labels.c.subject == account),
        delete(enforced).where(enforced.c.account_id == account),
        delete(allowances).where(allowances.c.account_id == account),
        delete(answers).where(answers.c.body.contains(_quoted(account), autoescape=True)),
    )
    return sum(connection.execute(statement).rowcount for statement in gone)


def _from_words(connection: Connection, account: str) -> int:
    """Notes that people wrote, where they name the account."""
    columns: tuple[tuple[Table, str], ...] = (
        (triage, "note"),
        (labels, "note"),
        (outcomes, "note"),
        (allowances, "scope"),
    )
    # A short id must not clear every word that it is a part of.
    alone = re.compile(rf"(?<![\w-]){re.escape(account)}(?![\w-])")
    cleared = 0
    for table, name in columns:
        text, key = table.c[name], table.c.id
        rows = connection.execute(select(key, text).where(text.contains(account, autoescape=True))).all()
        found = [number for number, words in rows if alone.search(words)]
        # A scope that held words covered nothing; without one the allowance would cover all.
        values: dict[str, Any] = {name: "" if name == "scope" else None}
        connection.execute(update(table).where(key.in_(found)).values(values))
        cleared += len(found)
    return cleared
