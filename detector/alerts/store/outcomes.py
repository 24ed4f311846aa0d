"""What became of recommendations."""

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Row, func, insert, select

from detector.alerts.store.audit import Audit
from detector.alerts.store.database import Database
from detector.alerts.store.tables import outcomes

OutcomeName = Literal[
    "applied", "refused", "challenge_passed", "challenge_failed", "reverted", "appealed", "expired", "declined"
]
TAKES_BACK: Final = frozenset({"refused", "challenge_passed", "reverted", "expired", "declined"})


class Outcome(msgspec.Struct, frozen=True):
    """What was done with a recommendation.

    Attributes:
        id, recommendation_id, alert_id: which.
        outcome: applied; refused by the gateway; a challenge passed or failed; reverted; appealed by the customer; expired; or
            declined by a person.
        actor, at: by whom, when (µs).
        note: why.
    """

    id: int
    recommendation_id: str
    alert_id: str
    outcome: OutcomeName
    actor: str
    at: int
    note: str | None = None


class Appeals(msgspec.Struct, frozen=True):
    """How often customers appealed, and were right.

    Attributes:
        applied: recommendations that were applied.
        appealed: that were appealed against.
        overturned: of those, reverted after the appeal.
        overturn_rate: overturned of appealed; None where nobody appealed.
    """

    applied: int
    appealed: int
    overturned: int
    overturn_rate: float | None


class Outcomes:
    """Outcomes of one database; `now` is the wall clock in µs."""

    def __init__(self, database: Database, audit: Audit, now: Callable[[], int]) -> None:
        self._database, self._audit, self._now = database, audit, now

    def add(
        self, recommendation: str, alert: str, outcome: OutcomeName, actor: str, note: str | None = None
    ) -> Outcome:
        """Note what was done with a recommendation of a stored alert."""
        now = self._now()
        values: dict[str, Any] = {"recommendation_id": recommendation, "alert_id": alert, "outcome": outcome}
        values |= {"actor": actor, "at": now, "note": note}
        with self._database.write() as connection:
            number = connection.execute(insert(outcomes).values(**values).returning(outcomes.c.id)).scalar_one()
            detail = {"outcome": outcome}
            self._audit.append(connection, now, actor, "recommendation.outcome", recommendation, detail)
        return Outcome(id=number, **values)

    def appeals(self) -> Appeals:
        """What became of the recommendations that customers appealed against."""
        after = outcomes.alias()
        later = (after.c.recommendation_id == outcomes.c.recommendation_id) & (after.c.id > outcomes.c.id)
        overturned = select(after.c.id).where(later, after.c.outcome == "reverted").exists()
        name = func.count(outcomes.c.recommendation_id.distinct())
        with self._database.read() as connection:
            applied = connection.execute(select(name).where(outcomes.c.outcome == "applied")).scalar_one()
            appealed = connection.execute(select(name).where(outcomes.c.outcome == "appealed")).scalar_one()
            lost = connection.execute(select(name).where(outcomes.c.outcome == "appealed", overturned)).scalar_one()
        return Appeals(applied, appealed, lost, lost / appealed if appealed else None)

    def of_alert(self, alert: str) -> list[Outcome]:
        """Outcomes of an alert's recommendations, the first one first."""
        query = select(outcomes).where(outcomes.c.alert_id == alert).order_by(outcomes.c.id)
        with self._database.read() as connection:
            return [_outcome(row) for row in connection.execute(query)]


def _outcome(row: Row[Any]) -> Outcome:
    return Outcome(**row._asdict())
