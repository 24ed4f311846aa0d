"""What counts say of the rates of others: chances at every bin of a rate, so that no member of a cluster needs a logarithm."""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import njit

from detector.coordination.gamma import BIN, LEAST_CHANCE, of_each, of_mean, tail, ways
from detector.profiles.layout import F64, I64

BINS = 64  # half octaves of a rate, the middle one 2^-10 … 2^21
LOWEST = 20  # bin of a rate of 1
_STEPS = 16  # of an exposure within a bin: 2 % apart, where a bin is 41 % wide
_OCTAVES = 8  # half octaves of an exposure: up to 16 times the least, which is 1
_EXPOSURES = _OCTAVES * _STEPS
_FLOORS = 13  # requests that are asked of an account, at most, and none
_FAR = 12.0  # times: a count so far from the mean of a bin has no chance there
_COUNTED = 256  # whole counts below it are looked up: nearly all are


class Grid(NamedTuple):
    """What there is to know of the bins at every exposure that is told apart.

    Attributes:
        mean: f64[steps, bins], requests at the rate of a bin and the part of a bin by which an exposure shifts it; bins go on by
            as many as exposures shift.
        fixed, each: f64[steps, bins]; `powers` is `fixed + n * each`.
        chance: f64[counts, steps, bins], of a whole count.
        first, last: i64[counts, steps], bins between which it has any.
        seen: f64[floors, exposures, BINS], chance of reaching a floor; 0 and 1 where it is as good as that.
    """

    mean: F64
    fixed: F64
    each: F64
    chance: F64
    first: I64
    last: I64
    seen: F64


@njit(cache=True, nogil=True)
def _fill_bins(grid: Grid) -> None:
    for step in range(_STEPS):
        for b in range(grid.mean.shape[1]):
            mean = 2.0 ** ((b - LOWEST + step / _STEPS) / 2.0)
            grid.mean[step, b] = mean
            grid.fixed[step, b] = of_mean(mean, BIN)
            grid.each[step, b] = of_each(mean, BIN)


@njit(cache=True, nogil=True)
def _fill_counts(grid: Grid) -> None:
    grid.first[:] = grid.mean.shape[1]
    for n in range(1, _COUNTED):
        orders = ways(float(n), BIN)
        for step in range(_STEPS):
            for b in range(grid.mean.shape[1]):
                mean = grid.mean[step, b]
                if n < _FAR * mean and mean < _FAR * n:
                    grid.chance[n, step, b] = math.exp(orders + grid.fixed[step, b] + n * grid.each[step, b])
                    grid.first[n, step] = min(b, grid.first[n, step])
                    grid.last[n, step] = b + 1


@njit(cache=True, nogil=True)
def _fill_floors(grid: Grid) -> None:
    for e in range(_EXPOSURES):
        for b in range(BINS):
            mean = grid.mean[e % _STEPS, b + e // _STEPS]
            for floor in range(_FLOORS):
                if mean * _FAR > floor:
                    grid.seen[floor, e, b] = 1.0 if mean > _FAR * floor else tail(mean, BIN, floor)


@cache
def grid() -> Grid:
    """The grid, made once."""
    bins = BINS + _OCTAVES
    mean, fixed, each = (np.zeros((_STEPS, bins)) for _ in range(3))
    first, last = (np.zeros((_COUNTED, _STEPS), np.int64) for _ in range(2))
    made = Grid(
        mean,
        fixed,
        each,
        np.zeros((_COUNTED, _STEPS, bins)),
        first,
        last,
        np.zeros((_FLOORS, _EXPOSURES, BINS)),
    )
    _fill_bins(made)
    _fill_counts(made)
    _fill_floors(made)
    return made


@njit(cache=True, inline="always")
def _steps(exposure: float) -> int:
    """An exposure in steps, 0 at 1."""
    return min(round(2.0 * _STEPS * math.log2(exposure)), _EXPOSURES - 1)


@njit(cache=True, inline="always")
def within(n: float, exposure: float, shares: F64, of: Grid) -> float:
    """Log chance of a count at the rates of others.

    Args:
        n: requests.
        exposure: what the rates are of, up to 16.
        shares: f64[BINS], of others, by rate.
        of: the grid.
    """
    shift, step = divmod(_steps(exposure), _STEPS)
    whole, chance = int(n), 0.0
    if whole == n and whole < _COUNTED:
        known = of.chance[whole, step]
        for b in range(max(of.first[whole, step] - shift, 0), min(of.last[whole, step] - shift, BINS)):
            chance += shares[b] * known[b + shift]
        return math.log(max(chance, LEAST_CHANCE))
    mean, fixed, each, orders = of.mean[step], of.fixed[step], of.each[step], ways(n, BIN)
    for b in range(max(-shift, 0), BINS):
        at = mean[b + shift]
        if n < _FAR * at and at < _FAR * n:
            chance += shares[b] * math.exp(orders + fixed[b + shift] + n * each[b + shift])
    return math.log(max(chance, LEAST_CHANCE))


@njit(cache=True, inline="always")
def reaching(floor: int, exposure: float, share: float, shares: F64, of: Grid) -> float:
    """Log chance that so many requests carry what a share of all carries, at the rates of others.

    Args:
        floor: requests.
        exposure: what the rates are of, up to 16.
        share: 0–1.
        shares: f64[BINS], of others, by rate.
        of: the grid.
    """
    # What comes at a share of the rate lies some bins below.
    thinned = _steps(exposure) + round(2.0 * _STEPS * math.log2(share))
    below = max(-(thinned // _STEPS), 0)
    reached, seen = of.seen[min(floor, _FLOORS - 1), thinned + below * _STEPS], 0.0
    for b in range(below, BINS):
        seen += shares[b] * reached[b - below]
    return math.log(max(seen, LEAST_CHANCE))
