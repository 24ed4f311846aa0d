"""Quotas from what ordinary accounts of a tier use, not from the air."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from detector.alerts.model import Limit, Unit

DAY_S = 86_400
_UNITS: Final[tuple[Unit, ...]] = ("requests", "output_tokens")
_SIGNIFICANT = 2


def _round_up(value: float) -> int:
    """To two significant digits, upwards: a quota is read by people."""
    if value <= 0:
        return 0
    step = 10 ** max(0, math.floor(math.log10(value)) - _SIGNIFICANT + 1)
    return int(math.ceil(value / step) * step)


@dataclass(frozen=True)
class TierUsage:
    """99th percentile of what unalerted accounts use a day.

    Attributes:
        tiers: tier → unit → amount a day.
    """

    tiers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def limits(self, tier: str) -> tuple[Limit, ...]:
        """Quotas of one ordinary account of a tier; of the most restricted known tier where the tier is unknown."""
        use = self.tiers.get(tier)
        if use is None:
            if not self.tiers:
                return ()
            use = min(self.tiers.values(), key=lambda u: u.get("requests", math.inf))
        return tuple(Limit(unit, _round_up(use[unit]), DAY_S) for unit in _UNITS if use.get(unit, 0) > 0)
