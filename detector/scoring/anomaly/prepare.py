"""Raw features made fit for a detector: unknown values filled, heavy tails tamed, columns on one scale."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from detector.profiles.layout import F64

_NORMAL_IQR = 1.349  # interquartile range of a standard normal


def finite_of(x: F64) -> F64:
    """Copy of raw features with ∞ as unknown; a column that nobody knows is a constant.

    Args:
        x: f64[rows, columns], NaN where unknown.
    """
    finite = np.where(np.isfinite(x), x, np.nan)
    finite[:, np.isnan(finite).all(axis=0)] = 0.0
    return finite


@dataclass(frozen=True)
class Preparation:
    """Robust scale of each column, learnt from one stratum.

    Location and scale come from quartiles, which 30 % of strangers among the rows move by little; `asinh` then turns tails of any
    length into logarithms. An unknown value counts as the median and so speaks for nothing; ±∞ counts as the largest or smallest
    number that was seen.

    Attributes:
        low: f64[columns], smallest known value.
        high: f64[columns], largest known value.
        centre: f64[columns], medians.
        scale: f64[columns], above 0.
    """

    low: F64
    high: F64
    centre: F64
    scale: F64

    @classmethod
    def learn(cls, x: F64) -> Self:
        """Learn from raw features.

        Args:
            x: f64[rows, columns], NaN where unknown.
        """
        finite = finite_of(x)
        low, q1, centre, q3, high = np.nanquantile(finite, (0.0, 0.25, 0.5, 0.75, 1.0), axis=0)
        spread = (q3 - q1) / _NORMAL_IQR
        # More than half of the rows are often alike (nobody asks for logprobs): then the deviation of the rest sets the scale.
        rest = np.sqrt(np.nanmean((finite - centre) ** 2, axis=0))
        scale = np.where(spread > 0, spread, np.where(rest > 0, rest, 1.0))
        return cls(low, high, centre, scale)

    def apply(self, x: F64) -> F64:
        """Prepared copy of raw features, free of NaN and ∞.

        Args:
            x: f64[rows, columns], NaN where unknown.
        """
        known = np.where(np.isnan(x), self.centre, x)
        bounded = np.where(np.isposinf(known), self.high, np.where(np.isneginf(known), self.low, known))
        return np.arcsinh((bounded - self.centre) / self.scale)
