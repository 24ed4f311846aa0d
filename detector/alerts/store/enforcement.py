"""What is enforced: released recommendations, who approved them, and the brake; in the database, so that it outlives a restart."""

from collections.abc import Callable, Collection
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from detector.alerts.brakes import HARMLESS, HOUR_US, Caps, Standing, Verdict, decide
from detector.alerts.model import Recommendation
from detector.alerts.store.audit import Audit
from detector.alerts.store.database import AUDIT_LOCK, Database
from detector.alerts.store.tables import approvals, brake, enforced
from detector.alerts.store.times import Micros

_ENGINE: Final = "engine"


class Brake(msgspec.Struct, frozen=True):
    """A brake that is pulled: since when, and why."""

    at: Micros
    why: str


class Enforcement:
    """Live enforcement of one database.

    Args:
        database: where.
        audit: gets every step.
        now: wall clock, µs: caps are about real hours, whatever the records' own time is.
    """

    def __init__(self, database: Database, audit: Audit, now: Callable[[], int]) -> None:
        self._database, self._audit, self._now = database, audit, now

    def release(self, made: Recommendation, caps: Caps, traffic: float) -> tuple[Verdict, str]:
        """Release a recommendation, or say why not; past a cap the brake is pulled.

        Args:
            made: as it is now; one that has grown is weighed by what is new.
            caps: what may be.
            traffic: requests a day of everybody.
        """
        if made.action in HARMLESS or not made.subject.accounts:
            return "wait", "it binds nobody"
        with self._database.write() as connection:
            self._database.lock(connection, AUDIT_LOCK)
            fresh = sorted(set(made.subject.accounts) - self._bound(connection, made))
            each = made.blast_radius.requests_per_day / max(1, made.blast_radius.accounts)
            agreed = len(self._approved(connection, made.id))
            now = self._standing(connection, traffic)
            verdict, why = decide(made, len(fresh), each * len(fresh), agreed, caps, now)
            if verdict == "pull":
                self._pull(connection, why)
            elif verdict == "release" and fresh:
                rows = [{"account_id": a, "requests_per_day": each, "at": self._now()} for a in fresh]
                connection.execute(insert(enforced), [{"recommendation_id": made.id, **row} for row in rows])
                detail = {"action": made.action, "accounts": len(fresh)}
                self._audit.append(connection, self._now(), _ENGINE, "enforcement.release", made.id, detail)
        return verdict, why

    def released(self, names: Collection[str]) -> dict[str, set[str]]:
        """Accounts that each of some recommendations may bind now; nothing while the brake is pulled."""
        with self._database.read() as connection:
            if not names or self._pulled(connection):
                return {}
            query = select(enforced.c.recommendation_id, enforced.c.account_id).where(
                enforced.c.recommendation_id.in_(names)
            )
            out: dict[str, set[str]] = {}
            for name, account in connection.execute(query):
                out.setdefault(name, set()).add(account)
            return out

    def approve(self, made: Recommendation, actor: str) -> int:
        """Note that a person agrees; how many did."""
        with self._database.write() as connection:
            self._database.lock(connection, AUDIT_LOCK)
            agreed = self._approved(connection, made.id)
            if actor not in agreed:
                values = {"recommendation_id": made.id, "actor": actor, "at": self._now()}
                connection.execute(insert(approvals).values(**values))
                self._audit.append(connection, self._now(), actor, "enforcement.approve", made.id, {})
            return len({*agreed, actor})

    def reset(self, actor: str, note: str) -> None:
        """Let go of the brake. What was released before stays so; the hour's cap counts on."""
        with self._database.write() as connection:
            self._database.lock(connection, AUDIT_LOCK)
            connection.execute(delete(brake))
            self._audit.append(connection, self._now(), actor, "enforcement.reset", "brake", {"note": note})

    def withdraw(self, recommendation: str, actor: str) -> int:
        """Take a recommendation back: it binds nobody any more, and its approvals are void; how many accounts it had bound."""
        with self._database.write() as connection:
            self._database.lock(connection, AUDIT_LOCK)
            gone = connection.execute(delete(enforced).where(enforced.c.recommendation_id == recommendation)).rowcount
            connection.execute(delete(approvals).where(approvals.c.recommendation_id == recommendation))
            detail = {"accounts": gone}
            self._audit.append(connection, self._now(), actor, "enforcement.withdraw", recommendation, detail)
        return int(gone)

    def pulled(self) -> Brake | None:
        """The brake, where it is pulled."""
        with self._database.read() as connection:
            return self._pulled(connection)

    def standing(self, traffic: float) -> Standing:
        """What is enforced now."""
        with self._database.read() as connection:
            return self._standing(connection, traffic)

    def _pull(self, connection: Connection, why: str) -> None:
        connection.execute(insert(brake).values(id=1, at=self._now(), why=why))
        self._audit.append(connection, self._now(), _ENGINE, "enforcement.pull", "brake", {"why": why})

    @staticmethod
    def _pulled(connection: Connection) -> Brake | None:
        row = connection.execute(select(brake.c.at, brake.c.why)).first()
        return Brake(row.at, row.why) if row else None

    @staticmethod
    def _bound(connection: Connection, made: Recommendation) -> set[str]:
        query = select(enforced.c.account_id).where(enforced.c.recommendation_id == made.id)
        return set(connection.execute(query).scalars())

    @staticmethod
    def _approved(connection: Connection, name: str) -> set[str]:
        return set(connection.execute(select(approvals.c.actor).where(approvals.c.recommendation_id == name)).scalars())

    def _standing(self, connection: Connection, traffic: float) -> Standing:
        lately = enforced.c.at > self._now() - HOUR_US
        accounts = connection.execute(select(func.count()).select_from(enforced).where(lately)).scalar_one()
        rate = connection.execute(select(func.coalesce(func.sum(enforced.c.requests_per_day), 0.0))).scalar_one()
        return Standing(int(accounts), float(rate), traffic, self._pulled(connection) is not None)
