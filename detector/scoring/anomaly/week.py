"""How high benign accounts score in a week: the null of one whose every look is a chance to look strange."""

from typing import Final

import msgspec
import numpy as np

from detector.profiles.layout import F64

DAYS: Final = 7.0
_TOP: Final = 200  # scores that are kept one by one; below, every quantile
_QUANTILES: Final = 200


class Week(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Highest scores of benign accounts of a stratum over a week of ticks, thinned out.

    Attributes:
        count: accounts.
        scores: some of their highest scores, ascending.
        beyond: accounts with a higher one than each of them.
        factor: of all p-values, at least 1: they were seen for a part of a week only.
    """

    count: int
    scores: list[float]
    beyond: list[int]
    factor: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no distribution: a model file is data from elsewhere."""
        falling = all(a >= b for a, b in zip(self.beyond, self.beyond[1:], strict=False))
        rising = all(a <= b for a, b in zip(self.scores, self.scores[1:], strict=False))
        fits = len(self.scores) == len(self.beyond) and all(0 <= n <= self.count for n in self.beyond)
        if not (falling and rising and fits and 1.0 <= self.factor < np.inf and np.isfinite(self.scores).all()):
            raise ValueError("a week's null is in no order")

    def p_values(self, scores: F64) -> F64:
        """(1 + #{accounts that reached as much}) / (n + 1), or a little more where scores were thinned out.

        Never below 1 / (n + 1): strangers have no law for their tail.

        Args:
            scores: f64[m].
        """
        place = np.searchsorted(np.array(self.scores), scores, side="left")
        above = np.concatenate([[self.count], self.beyond])[place]
        return np.minimum(1.0, self.factor * (1.0 + above) / (1.0 + self.count))


def week_of(highest: F64, days: float = DAYS) -> Week:
    """The null of accounts' highest scores.

    Args:
        highest: f64[accounts].
        days: for which they were seen.
    """
    ordered = np.sort(np.round(highest, 4))
    n = ordered.size
    kept = np.unique(np.concatenate([np.linspace(0, n - 1, _QUANTILES).astype(int), np.arange(max(0, n - _TOP), n)]))
    scores = np.unique(ordered[kept]) if n else ordered
    beyond = n - np.searchsorted(ordered, scores, side="right")
    return Week(n, [float(s) for s in scores], [int(b) for b in beyond], max(1.0, DAYS / max(days, 1.0)))
