"""Stored allowances: scoped, owned and expiring; `detector.alerts.allowance` applies them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, delete, insert, select, update

from detector.alerts.allowance import Allowance
from detector.alerts.store.audit import Audit
from detector.alerts.store.database import Database
from detector.alerts.store.tables import allowances
from detector.alerts.store.times import Micros
from streams.account import scope_of


class Granted(msgspec.Struct, frozen=True):
    """An allowance of an account.

    Attributes:
        id: of the allowance.
        name: which one; the table of what it covers knows it.
        account_id: whose.
        scope: reason codes that it is limited to; null where it covers all that its name does.
        owner: who answers for it.
        created_at, created_by: when and by whom.
        expires_at: until when.
    """

    id: int
    name: str
    account_id: str
    scope: list[str] | None
    owner: str
    created_at: Micros
    created_by: str
    expires_at: Micros


class Allowances:
    """Allowances of one database; `now` is the wall clock in µs."""

    def __init__(self, database: Database, audit: Audit, now: Callable[[], int]) -> None:
        self._database, self._audit, self._now = database, audit, now

    def past(self, at: int) -> bool:
        """Whether a time is over, µs."""
        return at <= self._now()

    def grant(
        self, name: str, account_id: str, owner: str, expires_at: int, actor: str, scope: Sequence[str] | None = None
    ) -> Granted:
        """Allow an account something until `expires_at` (µs)."""
        now = self._now()
        values: dict[str, Any] = {"name": name, "account_id": account_id, "scope": _text(scope), "owner": owner}
        values |= {"created_at": now, "created_by": actor, "expires_at": expires_at}
        with self._database.write() as connection:
            number = connection.execute(insert(allowances).values(**values).returning(allowances.c.id)).scalar_one()
            detail = {"name": name, "expires_at": expires_at}
            self._audit.append(connection, now, actor, "allowance.grant", f"allowance/{number}", detail)
        return Granted(id=number, **values | {"scope": scope_of(values["scope"])})

    def change(
        self,
        number: int,
        actor: str,
        *,
        owner: str | None = None,
        scope: Sequence[str] | None = None,
        expires_at: int | None = None,
    ) -> Granted | None:
        """Change what is given; None where there is no such allowance."""
        given = {"owner": owner, "scope": _text(scope), "expires_at": expires_at}
        values = {k: v for k, v in given.items() if v is not None}
        mine = allowances.c.id == number
        with self._database.write() as connection:
            if values:
                connection.execute(update(allowances).where(mine).values(**values))
            row = connection.execute(select(allowances).where(mine)).first()
            if row is not None and values:
                detail = {"changed": sorted(values)}
                self._audit.append(connection, self._now(), actor, "allowance.change", f"allowance/{number}", detail)
        return _granted(row) if row else None

    def revoke(self, number: int, actor: str) -> bool:
        """Take an allowance away; whether it was there."""
        with self._database.write() as connection:
            gone = connection.execute(delete(allowances).where(allowances.c.id == number)).rowcount > 0
            if gone:
                self._audit.append(connection, self._now(), actor, "allowance.revoke", f"allowance/{number}", {})
        return gone

    def get(self, number: int) -> Granted | None:
        """An allowance by its id."""
        with self._database.read() as connection:
            row = connection.execute(select(allowances).where(allowances.c.id == number)).first()
        return _granted(row) if row else None

    def page(self, *, account: str | None = None, after: int = 0, limit: int = 50) -> list[Granted]:
        """Allowances with an id above `after`, in order; of one account where it is given."""
        query = select(allowances).where(allowances.c.id > after).order_by(allowances.c.id).limit(limit)
        if account is not None:
            query = query.where(allowances.c.account_id == account)
        with self._database.read() as connection:
            return [_granted(row) for row in connection.execute(query)]

    def by_account(self) -> dict[str, list[Allowance]]:
        """All allowances as the alert path takes them."""
        out: dict[str, list[Allowance]] = {}
        with self._database.read() as connection:
            for row in connection.execute(select(allowances).order_by(allowances.c.id)):
                scope = None if row.scope is None else tuple(scope_of(row.scope) or ())
                given = Allowance(row.name, row.owner, row.expires_at, scope=scope)
                out.setdefault(row.account_id, []).append(given)
        return out


def merged(*books: dict[str, list[Allowance]]) -> dict[str, list[Allowance]]:
    """Several books of allowances as one."""
    out: dict[str, list[Allowance]] = {}
    for book in books:
        _add(out, book.items())
    return out


def _add(out: dict[str, list[Allowance]], items: Iterable[tuple[str, list[Allowance]]]) -> None:
    for account, given in items:
        out.setdefault(account, []).extend(given)


def _granted(row: Row[Any]) -> Granted:
    return Granted(**row._asdict() | {"scope": scope_of(row.scope)})


def _text(scope: Sequence[str] | None) -> str | None:
    return None if scope is None else ",".join(scope)
