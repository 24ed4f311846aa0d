"""What a gateway is given to enforce: nothing in shadow mode, and what the brakes let through in live mode.

An alert is stored with a dry run. Whether it binds is asked each time that it is shown, so that a pulled brake, a decision of an
analyst or the end of its time act at once, and a service in shadow mode has no way to bind anybody.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
import structlog

from detector.alerts.brakes import Caps
from detector.alerts.model import Alert, Recommendation
from detector.alerts.store import Store
from detector.alerts.store.alerts import Stored
from detector.alerts.store.enforcement import Brake
from detector.config import EnforcementSettings

_CLOSED: Final = frozenset({"false_positive", "resolved"})

_log = structlog.get_logger(__name__)


class View(msgspec.Struct, frozen=True):
    """How enforcement stands.

    Attributes:
        mode: shadow or live.
        brake: since when and why it is pulled; None where it is not.
        accounts_last_hour: newly bound within the hour.
        accounts_an_hour: that may be.
        traffic_share: of all requests, by what is enforced.
        traffic_share_allowed: that may be.
    """

    mode: str
    brake: Brake | None
    accounts_last_hour: int
    accounts_an_hour: int
    traffic_share: float
    traffic_share_allowed: float


class Enforcing:
    """Live enforcement of a service.

    Args:
        settings: mode and caps.
        store: remembers what was released.
        traffic: requests a day of everybody, now.
    """

    def __init__(self, settings: EnforcementSettings, store: Store, traffic: Callable[[], float]) -> None:
        self._live, self._mode = settings.mode == "live", settings.mode
        self._caps = Caps(
            settings.accounts_an_hour, settings.traffic_share, frozenset(settings.protected_tiers), settings.approvals
        )
        self._store, self._traffic = store.enforcement, traffic

    def pulled(self) -> float:
        """1 where the brake is pulled, for the metrics."""
        return float(self._live and self._store.pulled() is not None)

    def consider(self, alert: Alert) -> str:
        """Release what an alert recommends, or pull the brake; why it is not released, empty where it is."""
        made = alert.recommendation
        if not self._live:
            return "the service is in shadow mode"
        if made is None or not _stands(alert):
            return "nothing stands"
        verdict, why = self._store.release(made, self._caps, self._traffic())
        if verdict == "pull":
            _log.error("enforcement_brake_pulled", why=why, recommendation=made.id)
        return why

    def shown(self, alert: Alert) -> Alert:
        """An alert whose recommendation says whether, and whom, it binds now."""
        return self.all_shown([alert])[0]

    def all_shown(self, alerts: Sequence[Alert]) -> list[Alert]:
        """The same of several alerts at once."""
        bound = self._bound(a.recommendation.id for a in alerts if a.recommendation is not None and _stands(a))
        return [_binding(alert, bound) for alert in alerts]

    def bodies(self, rows: Sequence[Stored]) -> list[msgspec.Raw]:
        """The same of alerts as they lie in the store, as JSON; only those that bind somebody are read."""
        bound = self._bound(r.recommendation_id for r in rows if r.recommendation_id is not None and _stands(r))
        return [
            msgspec.Raw(
                msgspec.json.encode(_binding(row.alert(), bound))
                if row.recommendation_id in bound
                else row.body.encode()
            )
            for row in rows
        ]

    def _bound(self, names: Iterable[str]) -> dict[str, set[str]]:
        return self._store.released(set(names)) if self._live else {}

    def approve(self, alert: Alert, actor: str) -> str:
        """A person agrees to what an alert recommends; why it is still not released, empty where it is."""
        if alert.recommendation is not None:
            self._store.approve(alert.recommendation, actor)
        return self.consider(alert)

    def view(self) -> View:
        """How enforcement stands."""
        traffic = self._traffic()
        now = self._store.standing(traffic)
        return View(
            self._mode,
            self._store.pulled(),
            now.accounts,
            self._caps.accounts_an_hour,
            round(now.requests_per_day / max(traffic, 1.0), 6),
            self._caps.traffic_share,
        )

    def reset(self, actor: str, note: str) -> View:
        """Let go of the brake."""
        self._store.reset(actor, note)
        return self.view()


def _binding(alert: Alert, bound: Mapping[str, set[str]]) -> Alert:
    """An alert with the accounts that its recommendation binds."""
    made = alert.recommendation
    if made is None or made.id not in bound or not _stands(alert) or _over(made):
        return alert
    accounts = tuple(a for a in made.subject.accounts if a in bound[made.id])
    if not accounts:
        return alert
    subject = msgspec.structs.replace(made.subject, accounts=accounts)
    return msgspec.structs.replace(alert, recommendation=msgspec.structs.replace(made, dry_run=False, subject=subject))


def _stands(alert: Alert | Stored) -> bool:
    """Whether nobody closed the alert, and no other one took it in."""
    return alert.status not in _CLOSED and alert.merged_into is None


def _over(made: Recommendation) -> bool:
    return datetime.fromisoformat(made.expires_at) < datetime.now(UTC)
