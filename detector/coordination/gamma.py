"""Counts of requests that come at gamma-distributed rates: negative binomial, in the parts that are of use more than once."""

import math
from functools import cache

import numpy as np
from numba import njit

from detector.profiles.layout import F64

# Shapes of the gamma distributions of rates: of accounts under one scheduler a third of the mean (CV 0.3), within one bin of half
# an octave a sixth (CV 0.17).
SCHEDULER, BIN = 10.0, 33.0
LEAST_CHANCE = 1e-12
_COUNTED = 512  # what depends on a whole count alone is known for so many


@njit(cache=True, nogil=True)
def tail(mean: float, shape: float, least: int) -> float:
    """Chance of at least so many requests at a gamma-distributed rate."""
    p = mean / (shape + mean)
    term, below = math.exp(shape * math.log(1.0 - p)), 0.0
    for k in range(least):
        below += term
        term *= p * (shape + k) / (k + 1)
    return max(1.0 - below, LEAST_CHANCE)


@njit(cache=True, inline="always")
def ways(n: float, shape: float) -> float:
    """Log of the part of a negative binomial's probability that has no mean in it."""
    return math.lgamma(shape + n) - math.lgamma(shape) - math.lgamma(n + 1.0)


@njit(cache=True, inline="always")
def of_mean(mean: float, shape: float) -> float:
    """Log of the part that has the mean in it and no count."""
    return -shape * math.log1p(mean / shape)


@njit(cache=True, inline="always")
def of_each(mean: float, shape: float) -> float:
    """Log of what each request adds."""
    return -math.log1p(shape / mean)


@njit(cache=True, inline="always")
def powers(n: float, mean: float, shape: float) -> float:
    """Log of all that has the mean in it."""
    return of_mean(mean, shape) + n * of_each(mean, shape)


@cache
def of_counts(shape: float) -> F64:
    """`ways` of each whole count from 0 on; f64[counts]."""
    return np.array([ways(float(n), shape) for n in range(_COUNTED)])


@njit(cache=True, inline="always")
def ways_of(n: float, shape: float, known: F64) -> float:
    """The same as `ways`, looked up where the count is whole and small; `known` of `of_counts`, of the same shape."""
    whole = int(n)
    return known[whole] if whole == n and whole < known.shape[0] else ways(n, shape)
