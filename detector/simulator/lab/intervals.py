"""Means over seeds, with what a few seeds leave open."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % bounds.

    Attributes:
        mean: of the values.
        low, high: bounds by Student's t; the mean itself where there is one value.
        values: by seed.
    """

    mean: float
    low: float
    high: float
    values: tuple[float, ...]


def interval(values: Sequence[float]) -> Interval:
    """The mean of some values with its interval.

    Raises:
        ValueError: there are none.
    """
    if not values:
        raise ValueError("no values to take the mean of")
    mean = float(np.mean(values))
    if len(values) == 1:
        return Interval(mean, mean, mean, tuple(values))
    half = float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return Interval(mean, mean - half, mean + half, tuple(values))
