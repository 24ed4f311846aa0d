"""What a feature is: one declaration that computes it, documents it, and names it for the rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from detector.profiles.layout import BITMAP, COUNT, DAY_US, DECAY_HOURS, DECAYED, F64, I64, WINDOW_US
from detector.profiles.pool import Pooled
from detector.profiles.sketches import linear_count


@dataclass(frozen=True)
class View:
    """Pooled rows, each at its moment of event time, with the sums that many features share.

    Attributes:
        pooled: one row an account or cluster.
        now: i64[n], event time of each row, µs.
        created: f64[n], when the account was made (the youngest member's for a cluster), µs; NaN where unknown.
        launched: bins of models launched within the last three days.
    """

    pooled: Pooled
    now: I64
    created: F64
    launched: tuple[int, ...] = field(default=())

    def count(self, name: str) -> F64:
        """A count of `COUNTS` over the window."""
        return self.pooled.counts[:, COUNT[name]].astype(np.float64)

    def share(self, name: str, of: str = "requests") -> F64:
        """A count as a share of another; 0 where there is nothing to share."""
        return self.count(name) / np.maximum(self.count(of), 1.0)

    def decayed(self, name: str, hours: int) -> F64:
        """A decayed sum as of now."""
        return self.pooled.decayed[:, DECAYED.index(name) * len(DECAY_HOURS) + DECAY_HOURS.index(hours)]

    def distinct(self, name: str) -> F64:
        """A small distinct count of `BITMAPS`."""
        return linear_count(self.pooled.bitmaps[:, BITMAP[name]])

    @property
    def days(self) -> F64:
        """Days of the window in which the account was known, at least one hour."""
        since = np.maximum(self.pooled.first, self.now - WINDOW_US)
        return np.maximum((self.now - since) / DAY_US, 1.0 / 24.0)


def joined(views: Sequence[View]) -> View:
    """Rows of several views with the same launches, in order."""
    pooled = Pooled(*(np.concatenate(column) for column in zip(*(view.pooled for view in views), strict=True)))
    now, created = (np.concatenate(column) for column in zip(*((v.now, v.created) for v in views), strict=True))
    return View(pooled, now, created, views[0].launched)


Compute = Callable[[View], F64]


@dataclass(frozen=True)
class Feature:
    """One number about an account or a cluster.

    Attributes:
        name: field name in rules and in `accounts.parquet`.
        unit: unit of the value.
        formula: how it is computed, in words.
        needs: exchange fields without which it is unavailable.
        meaning: what a high value says.
        compute: the formula.
        window: what it looks back on.
    """

    name: str
    unit: str
    formula: str
    needs: tuple[str, ...]
    meaning: str
    compute: Compute
    window: str = "7 d"


FEATURES: dict[str, Feature] = {}


def feature(
    name: str, unit: str, formula: str, needs: tuple[str, ...], meaning: str, window: str = "7 d"
) -> Callable[[Compute], Compute]:
    """Register a function as a feature."""

    def register(compute: Compute) -> Compute:
        if name in FEATURES:
            raise ValueError(f"feature {name} is declared twice")
        FEATURES[name] = Feature(name, unit, formula, needs, meaning, compute, window)
        return compute

    return register
