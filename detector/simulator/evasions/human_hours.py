"""Human-like hours: requests keep their day but come when people of the account's time zone are awake."""

import numpy as np

from detector.simulator.accounts import DAY_S
from detector.simulator.arrivals import human_clock
from detector.simulator.evasions.base import Evasion, evasion, moved
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@evasion("human_hours")
class HumanHours(Evasion):
    """`strength` of the requests are moved within their day."""

    def requests(self, rng: Rng, setting: Setting, traffic: Traffic, strength: float) -> list[Traffic]:
        """Other hours."""
        a = traffic.arrivals
        day = (a.ts - setting.start) // DAY_S
        awake = setting.start + day * DAY_S + human_clock(rng, traffic.crowd.frame["_zone"].to_numpy()[a.account])
        # The last day of a world may be shorter than a day.
        awake = np.where(awake < setting.start + setting.days * DAY_S, awake, a.ts)
        return [moved(setting, traffic, np.where(rng.random(a.ts.size) < strength, awake, a.ts))]
