"""Slow ramp: the load begins small and grows from day to day, in place of a step that a change point would show."""

import numpy as np

from detector.simulator.accounts import DAY_S
from detector.simulator.evasions.base import Evasion, evasion, moved, own_requests
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic

_STEEPEST = 2.0  # power of the growth at full strength: the first half has an eighth of the requests


@evasion("slow_ramp")
class SlowRamp(Evasion):
    """Requests are spread over the same days, the n-th day in proportion to n to the power of 2 × `strength`."""

    def requests(self, rng: Rng, setting: Setting, traffic: Traffic, strength: float) -> list[Traffic]:
        """Other days, the same hours."""
        own = own_requests(traffic)
        if not own.any():
            return [traffic]
        ts = traffic.arrivals.ts
        day, clock = np.divmod(ts - setting.start, DAY_S)
        first, last = int(day[own].min()), int(day[own].max())
        weight = np.arange(1.0, last - first + 2.0) ** (_STEEPEST * strength)
        chosen = first + rng.choice(weight.size, ts.size, p=weight / weight.sum())
        return [moved(setting, traffic, setting.start + chosen.astype(np.float64) * DAY_S + clock)]
