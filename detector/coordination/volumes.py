"""How unequal the volumes of ordinary accounts are, measured on all of them, and what that says of accounts that are level."""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import njit

from detector.coordination.behaviour import Counts
from detector.profiles.layout import COUNT, F64, I64

# Accounts of a kind are compared with their kind: embedders, products and people differ in volume, and so do those who follow up.
KINDS = ("embeddings", "product_talk", "product", "talk", "other")
BINS = 64  # half octaves of a rate, the middle one 2^-10 … 2^21
_LOWEST = 20  # bin of a rate of 1
_FEW = 30.0  # accounts of a kind; with fewer, all accounts speak for it
_SPILL = 0.25  # of a bin into each of its neighbours
_FLOOR = 0.02  # accounts in every bin: nothing is impossible
_HALF = 0.5
# Shapes of the gamma distributions of rates: of accounts under one scheduler a third of the mean (CV 0.3), within one bin of half
# an octave a sixth (CV 0.17).
SCHEDULER, BIN = 10.0, 33.0
_LEAST_TAIL = 1e-12
# Of what accounts could show that are level to the last request. People who share a tool, or are alike in lengths, are a little more
# alike in volume than people are, and how much more can show depends on how much they ask: it was a fifth at most. With it off, no
# innocent group of five and more on a quiet week has more than 6.2 nats, however large it is.
SLACK = 0.2
# To be level: the volume and the volume a day, of all requests each, and of those that carry what the cluster shares.
OF_ALL = np.array([True, False, True, False])
_STEPS = 16  # of an exposure within a bin: 2 % apart, where a bin is 41 % wide
_EXPOSURES = 8 * _STEPS  # up to 16 times the least, which is 1
_FLOORS = 13  # requests that are asked of an account, at most, and none
_FAR = 12.0  # times: a count so far from the mean of a bin has no chance there
_EXCHANGES = (COUNT["requests"], COUNT["embeddings"], COUNT["system"], COUNT["multi_turn"])


class Volumes(NamedTuple):
    """Accounts by kind and by rate.

    Attributes:
        requests: f64[kinds, BINS], by requests of the window.
        daily: f64[kinds, BINS], by requests a day.
    """

    requests: F64
    daily: F64


def kinds_of(counts: I64 | Counts) -> I64:
    """Kind of each account as an index into `KINDS`; i64[n].

    Args:
        counts: integers[n, COUNTS].
    """
    requests, embeddings, system, talk = (counts[:, place].astype(np.float64) for place in _EXCHANGES)
    half = _HALF * np.maximum(requests, 1.0)
    conditions = [embeddings > half, (system > half) & (talk > half), system > half, talk > half]
    return np.asarray(np.select(conditions, list(range(len(conditions))), len(KINDS) - 1), np.int64)


def bins_of(rate: F64) -> I64:
    """Bin of each rate; i64[n]."""
    return np.clip(np.rint(2.0 * np.log2(np.maximum(rate, 1e-3))) + _LOWEST, 0, BINS - 1).astype(np.int64)


def measure_volumes(counts: I64 | Counts, days: F64) -> Volumes:
    """What accounts do.

    Args:
        counts: i64[n, COUNTS].
        days: f64[n], time between the first and the last request.
    """
    kind, requests = kinds_of(counts), counts[:, COUNT["requests"]].astype(np.float64)
    out = Volumes(*(np.zeros((len(KINDS), BINS)) for _ in range(2)))
    for table, rate in zip(out, (requests, requests / days), strict=True):
        np.add.at(table, (kind, bins_of(rate)), 1.0)
    return out


@njit(cache=True, nogil=True)
def _others(table: F64, own: F64, kind: int, out: F64) -> None:
    """Distribution of the rates of accounts of a kind that are not in a cluster, smoothed; all kinds where there are few."""
    few = (table[kind] - own[kind]).sum() < _FEW
    left = np.zeros(BINS)
    for k in range(table.shape[0]):
        if few or k == kind:
            left += np.maximum(table[k] - own[k], 0.0)
    for b in range(BINS):
        near = (left[b - 1] if b > 0 else 0.0) + (left[b + 1] if b + 1 < BINS else 0.0)
        out[b] = left[b] + _SPILL * near + _FLOOR
    out /= out.sum()


@njit(cache=True, nogil=True)
def tail(mean: float, shape: float, least: int) -> float:
    """Chance of at least so many requests at a gamma-distributed rate."""
    p = mean / (shape + mean)
    term, below = math.exp(shape * math.log(1.0 - p)), 0.0
    for k in range(least):
        below += term
        term *= p * (shape + k) / (k + 1)
    return max(1.0 - below, _LEAST_TAIL)


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


class _Grid(NamedTuple):
    """What the rates of others give at every exposure that is told apart, so that no member needs a logarithm.

    Attributes:
        mean: f64[exposures, BINS], requests at the rate of a bin.
        fixed, each: f64[exposures, BINS]; `powers` is `fixed + n * each`.
        seen: f64[floors, exposures, BINS], chance of reaching a floor; 0 and 1 where it is as good as that.
    """

    mean: F64
    fixed: F64
    each: F64
    seen: F64


@njit(cache=True, nogil=True)
def _fill(grid: _Grid) -> None:
    for e in range(_EXPOSURES):
        for b in range(BINS):
            mean = 2.0 ** ((b - _LOWEST + e / _STEPS) / 2.0)
            grid.mean[e, b] = mean
            grid.fixed[e, b] = of_mean(mean, BIN)
            grid.each[e, b] = of_each(mean, BIN)
            for floor in range(_FLOORS):
                if mean * _FAR > floor:
                    grid.seen[floor, e, b] = 1.0 if mean > _FAR * floor else tail(mean, BIN, floor)


@cache
def _grid() -> _Grid:
    mean, fixed, each = (np.zeros((_EXPOSURES, BINS)) for _ in range(3))
    grid = _Grid(mean, fixed, each, np.zeros((_FLOORS, _EXPOSURES, BINS)))
    _fill(grid)
    return grid


@njit(cache=True, nogil=True)
def _usual(n: float, exposure: float, floor: int, share: float, shares: F64, grid: _Grid) -> float:
    """Log chance of a count at one of the rates of others, given that `floor` of them carry what a share of all carries."""
    asked = min(round(2.0 * _STEPS * math.log2(exposure)), _EXPOSURES - 1)
    # What comes at a share of the rate lies some bins below.
    thinned = asked + round(2.0 * _STEPS * math.log2(share))
    lower, below = max(-(asked // _STEPS), 0), max(-(thinned // _STEPS), 0)
    e = asked + lower * _STEPS
    mean, fixed, each = grid.mean[e], grid.fixed[e], grid.each[e]
    reached = grid.seen[min(floor, _FLOORS - 1), thinned + below * _STEPS]
    seen, chance, orders = 0.0, 0.0, ways(n, BIN)
    for b in range(below, BINS):
        seen += shares[b] * reached[b - below]
    for b in range(lower, BINS):
        at = mean[b - lower]
        if n < _FAR * at and at < _FAR * n:
            chance += shares[b] * math.exp(orders + fixed[b - lower] + n * each[b - lower])
    return math.log(max(chance, _LEAST_TAIL)) - math.log(max(seen, _LEAST_TAIL))


@njit(cache=True, nogil=True)
def _against(
    counts: F64,
    exposure: F64,
    mean: F64,
    least: I64,
    share: F64,
    kind: I64,
    bins: I64,
    offsets: I64,
    table: F64,
    grid: _Grid,
    out: F64,
) -> None:
    own, shares = np.zeros(table.shape), np.zeros(table.shape)
    for g in range(offsets.shape[0] - 1):
        own[:] = 0.0
        for i in range(offsets[g], offsets[g + 1]):
            own[kind[i], bins[i]] += 1.0
        for k in range(table.shape[0]):
            if own[k].sum() > 0.0:
                _others(table, own, k, shares[k])
        for i in range(offsets[g], offsets[g + 1]):
            n, floor = counts[i], min(int(counts[i]), least[g])
            if floor == 0:  # its requests have left the window, and it is not seen any more
                out[i] = 0.0
                continue
            # Of requests that come at a gamma rate those that carry a text do so as well, at their share of it.
            seen = tail(share[g] * mean[i], SCHEDULER, floor)
            level = ways(n, SCHEDULER) + powers(n, mean[i], SCHEDULER) - math.log(seen)
            out[i] = level - _usual(n, exposure[i], floor, share[g], shares[kind[i]], grid)


def log_level(
    asked: F64, exposure: F64, mean: F64, least: I64, share: F64, kinds: I64, bins: I64, offsets: I64, table: F64
) -> F64:
    """Log Bayes factor of each member's requests: a rate that a scheduler levels against one of those that others have.

    The rates of the others are a mixture over bins, of accounts of the same kind outside the cluster (empirical Bayes; Robbins
    1956), each count given that the account has enough requests to be seen at all: `least` of those that carry what its cluster
    shares.

    Args:
        asked: f64[members], requests, clusters one after the other; 0 says nothing.
        exposure: f64[members], what the rate is of, up to 16: days, or 1 for the volume as such, times the share that counts.
        mean: f64[members], requests expected under the cluster's rate.
        least: i64[clusters], requests with what a cluster shares, below which an account would not be in it.
        share: f64[clusters], of the requests in `asked` that carry it.
        kinds: i64[members], `KINDS`.
        bins: i64[members], where the accounts themselves are in the table.
        offsets: i64[clusters + 1].
        table: f64[kinds, BINS] of `Volumes`.
    """
    out = np.empty(asked.size)
    _against(asked, exposure, np.maximum(mean, 1e-9), least, share, kinds, bins, offsets, table, _grid(), out)
    return out


class Asked(NamedTuple):
    """What each member of some clusters asked, clusters one after the other.

    Attributes:
        counts: integers[members, COUNTS].
        days: f64[members], time between the first and the last request: a pool that was replaced has stopped, not slowed down.
        carrying: f64[members], requests that carry the text that the cluster shares; 0 where there is none.
    """

    counts: I64 | Counts
    days: F64
    carrying: F64


def levelled(asked: Asked, least: I64, share: F64, offsets: I64, volumes: Volumes) -> F64:
    """Log Bayes factors of each member's volume in as many ways as there are to level it, less the slack; f64[`OF_ALL`, members].

    A scheduler levels its own requests: where it relays those of customers, or follows some up so as to look like people, what it
    sends of the shared text is level, and the rest is not.

    Args:
        asked: by the members.
        least: i64[clusters], requests with what a cluster shares, below which an account would not be in it.
        share: f64[clusters], of a member's requests that carry it.
        offsets: i64[clusters + 1].
        volumes: of all accounts.
    """
    requests = asked.counts[:, COUNT["requests"]].astype(np.float64)
    cluster = np.repeat(np.arange(least.size), np.diff(offsets))
    kinds, holds = kinds_of(asked.counts), asked.carrying > 0
    part_of = usual_part(asked.carrying / np.maximum(requests, 1.0), offsets)
    out = []
    for each, table in ((np.ones_like(asked.days), volumes.requests), (asked.days, volumes.daily)):
        bins = bins_of(requests / each)
        for counts, exposure, whole, part in (
            (requests, each, each, share),
            (asked.carrying, np.where(holds, each, 0.0), each * part_of[cluster], np.ones_like(share)),
        ):
            if not counts.any():
                out.append(np.zeros(counts.size))
                continue
            mean = _expected(counts, exposure, cluster, least.size)
            found, most = (
                log_level(n, whole, mean, least, part, kinds, bins, offsets, table) for n in (counts, np.rint(mean))
            )
            out.append(np.where(counts > 0, found - SLACK * np.maximum(most, 0.0), 0.0))
    return np.stack(out)


def usual_part(carrying: F64, offsets: I64) -> F64:
    """Median share of the members' requests that carry the text, of those that send it at all; f64[clusters], 1 where nobody does.

    Args:
        carrying: f64[members], share of each one's requests, clusters one after the other.
        offsets: i64[clusters + 1].
    """
    out = np.ones(offsets.size - 1)
    _usual_part(carrying, offsets, out)
    return out


@njit(cache=True, nogil=True)
def _usual_part(carrying: F64, offsets: I64, out: F64) -> None:
    for g in range(out.shape[0]):
        some = carrying[offsets[g] : offsets[g + 1]]
        some = some[some > 0]
        if some.shape[0] > 0:
            out[g] = np.median(some)


def _expected(asked: F64, exposure: F64, cluster: I64, clusters: int) -> F64:
    rate = np.bincount(cluster, asked, clusters) / np.maximum(np.bincount(cluster, exposure, clusters), 1e-9)
    return rate[cluster] * exposure
