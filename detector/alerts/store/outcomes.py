"""What became of recommendations."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, func, insert, select

from detector.alerts.model import Action
from detector.alerts.store.audit import Audit
from detector.alerts.store.database import Database
from detector.alerts.store.labels import Labels, Verdict
from detector.alerts.store.tables import outcomes
from detector.alerts.store.times import Micros

OutcomeName = Literal[
    "applied", "refused", "challenge_passed", "challenge_failed", "reverted", "appealed", "expired", "declined"
]
_SAYS: Final[Mapping[str, Verdict]] = {"challenge_passed": "benign", "challenge_failed": "attack"}
TAKES_BACK: Final = frozenset({"refused", "challenge_passed", "reverted", "expired", "declined"})


class Outcome(msgspec.Struct, frozen=True):
    """What was done with a recommendation.

    Attributes:
        id, recommendation_id, alert_id: which.
        outcome: applied; refused by the gateway; a challenge passed or failed; reverted; appealed by the customer; expired; or
            declined by a person.
        actor, at: by whom, when.
        note: why.
        action: what was recommended.
    """

    id: int
    recommendation_id: str
    alert_id: str
    outcome: OutcomeName
    actor: str
    at: Micros
    note: str | None = None
    action: Action | None = None


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
    """Outcomes of one database; `now` is the wall clock in µs.

    What an outcome says of an alert becomes a label of it, and a suspension that was applied a ban.
    """

    def __init__(self, database: Database, audit: Audit, labels: Labels, now: Callable[[], int]) -> None:
        self._database, self._audit, self._labels, self._now = database, audit, labels, now

    def add(
        self,
        recommendation: str,
        alert: str,
        outcome: OutcomeName,
        actor: str,
        note: str | None = None,
        action: Action | None = None,
    ) -> Outcome:
        """Note what was done with a recommendation of a stored alert."""
        now = self._now()
        values: dict[str, Any] = {"recommendation_id": recommendation, "alert_id": alert, "outcome": outcome}
        values |= {"actor": actor, "at": now, "note": note, "action": action}
        with self._database.write() as connection:
            number = connection.execute(insert(outcomes).values(**values).returning(outcomes.c.id)).scalar_one()
            detail = {"outcome": outcome}
            self._audit.append(connection, now, actor, "recommendation.outcome", recommendation, detail)
            verdict = self._verdict(connection, recommendation, outcome)
            if verdict is not None:
                self._labels.put(connection, "alert", alert, verdict, actor, f"outcome: {outcome}")
        return Outcome(id=number, **values)

    @staticmethod
    def _verdict(connection: Connection, recommendation: str, outcome: OutcomeName) -> Verdict | None:
        """What an outcome tells of the alert; what was taken back without an appeal may have been taken back for any reason."""
        if outcome != "reverted":
            return _SAYS.get(outcome)
        mine = outcomes.c.recommendation_id == recommendation
        appealed = select(outcomes.c.id).where(mine, outcomes.c.outcome == "appealed").limit(1)
        return "benign" if connection.execute(appealed).first() is not None else None

    def suspended_at(self) -> list[int]:
        """When suspensions were applied, ascending, µs."""
        done = (outcomes.c.outcome == "applied") & (outcomes.c.action == "suspend")
        with self._database.read() as connection:
            return list(connection.execute(select(outcomes.c.at).where(done).order_by(outcomes.c.at)).scalars())

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
