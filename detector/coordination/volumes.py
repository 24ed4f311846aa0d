"""How unequal the volumes of ordinary accounts are, measured on all of them, and what that says of accounts that are level."""

import math
from functools import partial
from typing import NamedTuple

import numpy as np
from numba import njit

from detector.coordination.behaviour import Counts
from detector.coordination.both import both
from detector.coordination.gamma import SCHEDULER, of_counts, powers, tail, ways_of
from detector.coordination.rates import BINS, LOWEST, Grid, grid, reaching, within
from detector.profiles.layout import COUNT, F64, I64

# Accounts of a kind are compared with their kind: embedders, products and people differ in volume, and so do those who follow up.
KINDS = ("embeddings", "product_talk", "product", "talk", "other")
_FEW = 30.0  # accounts of a kind; with fewer, all accounts speak for it
_SPILL = 0.25  # of a bin into each of its neighbours
_FLOOR = 0.02  # accounts in every bin: nothing is impossible
_HALF = 0.5
_MANY = 2000  # members: of fewer, a second thread takes longer to start than it spares
# Of what accounts could show that are level to the last request. People who share a tool, or are alike in lengths, are a little more
# alike in volume than people are, and how much more can show depends on how much they ask: it was a fifth at most. With it off, no
# innocent group of five and more on a quiet week has more than 6.2 nats, however large it is.
SLACK = 0.2
# To be level: the volume and the volume a day, of all requests each, and of those that carry what the cluster shares.
OF_ALL = np.array([True, False, True, False])
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
    return np.clip(np.rint(2.0 * np.log2(np.maximum(rate, 1e-3))) + LOWEST, 0, BINS - 1).astype(np.int64)


def measure_volumes(counts: I64 | Counts, days: F64) -> Volumes:
    """What accounts do.

    Args:
        counts: i64[n, COUNTS].
        days: f64[n], for which each account has worked.
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
    of: Grid,
    known: F64,
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
            others, before = shares[kind[i]], 0
            for w in range(counts.shape[0]):
                n = counts[w, i]
                floor = min(int(n), least[g])
                if floor == 0:  # its requests have left the window, and it is not seen any more
                    continue
                if floor != before:
                    # Of requests that come at a gamma rate those that carry a text do so as well, at their share of it.
                    seen = math.log(tail(share[g] * mean[i], SCHEDULER, floor))
                    reached, before = reaching(floor, exposure[i], share[g], others, of), floor
                level = ways_of(n, SCHEDULER, known) + powers(n, mean[i], SCHEDULER) - seen
                out[w, i] = level - (within(n, exposure[i], others, of) - reached)


def log_level(
    asked: F64, exposure: F64, mean: F64, least: I64, share: F64, kinds: I64, bins: I64, offsets: I64, table: F64
) -> F64:
    """Log Bayes factor of each member's requests: a rate that a scheduler levels against one of those that others have.

    The rates of the others are a mixture over bins, of accounts of the same kind outside the cluster (empirical Bayes; Robbins
    1956), each count given that the account has enough requests to be seen at all: `least` of those that carry what its cluster
    shares.

    Args:
        asked: f64[counts, members], requests as they are or might be, clusters one after the other; 0 says nothing.
        exposure: f64[members], what the rate is of, up to 16: days, or 1 for the volume as such, times the share that counts.
        mean: f64[members], requests expected under the cluster's rate.
        least: i64[clusters], requests with what a cluster shares, below which an account would not be in it.
        share: f64[clusters], of the requests in `asked` that carry it.
        kinds: i64[members], `KINDS`.
        bins: i64[members], where the accounts themselves are in the table.
        offsets: i64[clusters + 1].
        table: f64[kinds, BINS] of `Volumes`.

    Returns:
        f64[counts, members].
    """
    out = np.zeros(asked.shape)
    _against(
        asked,
        exposure,
        np.maximum(mean, 1e-9),
        least,
        share,
        kinds,
        bins,
        offsets,
        table,
        grid(),
        of_counts(SCHEDULER),
        out,
    )
    return out


class Asked(NamedTuple):
    """What each member of some clusters asked, clusters one after the other.

    Attributes:
        counts: integers[members, COUNTS].
        days: f64[members], for which each has worked: a pool that was replaced has stopped, not slowed down.
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
    kinds, part_of = kinds_of(asked.counts), usual_part(asked.carrying / np.maximum(_requests(asked), 1.0), offsets)

    def ways_by(each: F64, table: F64) -> list[F64]:
        return _levelled_by(each, table, asked, least, share, kinds, part_of, offsets)

    by_volume, by_day = (
        partial(ways_by, np.ones_like(asked.days), volumes.requests),
        partial(ways_by, asked.days, volumes.daily),
    )
    found = both(by_volume, by_day) if asked.days.size > _MANY else (by_volume(), by_day())
    return np.stack([*found[0], *found[1]])


def _requests(asked: Asked) -> F64:
    return asked.counts[:, COUNT["requests"]].astype(np.float64)


def _levelled_by(
    each: F64, table: F64, asked: Asked, least: I64, share: F64, kinds: I64, part_of: F64, offsets: I64
) -> list[F64]:
    """Of all requests, and of those that carry the text, by what the rate is of."""
    requests, holds, cluster = _requests(asked), asked.carrying > 0, np.repeat(np.arange(least.size), np.diff(offsets))
    bins, out = bins_of(requests / each), []
    for counts, exposure, whole, part in (
        (requests, each, each, share),
        (asked.carrying, np.where(holds, each, 0.0), each * part_of[cluster], np.ones_like(share)),
    ):
        if not counts.any():
            out.append(np.zeros(counts.size))
            continue
        mean, asks = _expected(counts, exposure, cluster, least.size), counts > 0
        might = np.stack([counts, np.where(asks, np.rint(mean), 0.0)])
        found, most = log_level(might, whole, mean, least, part, kinds, bins, offsets, table)
        out.append(np.where(asks, found - SLACK * np.maximum(most, 0.0), 0.0))
    return out


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
