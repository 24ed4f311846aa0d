"""Jitter: requests leave the working windows of the scheduler that all accounts share."""

from detector.simulator.accounts import DAY_S
from detector.simulator.evasions.base import Evasion, evasion, moved
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic

_ACCOUNT_S = 0.5 * DAY_S  # shift of an account at full strength, either way
_REQUEST_S = 0.25 * DAY_S  # standard deviation of a request's own


@evasion("jitter")
class Jitter(Evasion):
    """Each account works `strength` × up to 12 hours earlier or later than the scheduler says, each request spreads by 6."""

    def requests(self, rng: Rng, setting: Setting, traffic: Traffic, strength: float) -> list[Traffic]:
        """Other times."""
        a = traffic.arrivals
        shift = rng.uniform(-1.0, 1.0, traffic.crowd.size)[a.account] * _ACCOUNT_S
        return [moved(setting, traffic, a.ts + strength * (shift + rng.normal(0.0, _REQUEST_S, a.ts.size)))]
