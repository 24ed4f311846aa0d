"""Level beyond what accounts that are alike have in common: the second null of groups that were found by likeness.

Accounts of one habit differ in volume less than people do: companies whose products ask alike have sizes alike. Against the volumes
of everybody such a group looks level, and the larger a crowd, the more such groups. So a group has to be more level than accounts
alike are around a mean of their own, and by so much that the search over all groups is paid for.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numba import njit

from detector.coordination.gamma import SCHEDULER, of_each, of_mean, tail, ways
from detector.profiles.layout import F64, HOUR_US, I64, WINDOW_US, Flags

# Shapes of the gamma distributions of volumes within groups, each as likely as the others. Of accounts alike in worlds without an
# attack: from the mean to half of it (CV 1 to 0.5), which is where nearly all of them lie (`benchmarks/lookalikes_null.py`). Of a
# scheduler: a third of the mean, as elsewhere, or less (CV 0.3, 0.17, 0.1).
ALIKE: Final = (1.0, 2.0, 4.0)
LEVEL: Final = (SCHEDULER, 33.0, 100.0)
# Of the mean that is seen, what the mean of all of them may be: where most ask too little to be seen, the others lie close above the
# floor, as if they were level.
_SEEN: Final = (1.0, 0.8, 0.64, 0.5, 0.4, 0.32, 0.25)
# Times the floor: a mean as large loses so few that nothing is to be made up for.
_FEW_UNSEEN: Final = 4.0
# Groups are searched for so often. The promise is one over all looks of a week, and each search is another chance for a group of
# people to look like a pool.
SEARCH_US: Final = 6 * HOUR_US
SEARCHES: Final = WINDOW_US // SEARCH_US
# Accounts that have worked for longer than a day: where others have just begun, they are asked alone as well.
_ENOUGH: Final = 4


@njit(cache=True, nogil=True)
def _orders(counts: F64, shapes: F64) -> F64:
    """The part of each count's log probability that no mean is in, at each shape; f64[shapes, members]."""
    out = np.empty((shapes.shape[0], counts.shape[0]))
    for k in range(shapes.shape[0]):
        for i in range(counts.shape[0]):
            out[k, i] = ways(counts[i], shapes[k])
    return out


@njit(cache=True, nogil=True)
def _log_likelihood(counts: F64, mean: F64, shape: float, orders: F64, least: int) -> float:
    """Log probability of counts at gamma-distributed rates, each given that it is at least so large."""
    out, none, each = 0.0, 0.0, 0.0
    for i in range(counts.shape[0]):
        m = mean[i]
        if i == 0 or m != mean[i - 1]:
            none = of_mean(m, shape) - math.log(tail(m, shape, least))
            each = of_each(m, shape)
        out += orders[i] + none + counts[i] * each
    return out


@njit(cache=True)
def _means(counts: F64, days: F64) -> tuple[F64, F64]:
    """Requests expected of each member under the group's own mean, and under its mean a day."""
    return np.full(counts.shape[0], counts.mean()), days * (counts.sum() / days.sum())


def likelihoods(requests: F64, days: F64, shapes: Sequence[float], least: int) -> F64:
    """Log likelihood of a group's volumes, and of its volumes a day, at each shape around its own mean; f64[2, shapes].

    Args:
        requests: f64[members].
        days: f64[members], for which each has worked.
        shapes: of the gamma distribution of rates.
        least: requests below which an account would not be in a group.
    """
    means = _means(requests, days)
    orders = _orders(requests, np.array(shapes))
    return np.array(
        [[_log_likelihood(requests, mean, *each, least) for each in zip(shapes, orders, strict=True)] for mean in means]
    )


def beyond_alike(requests: F64, days: F64, offsets: I64, least: int | I64, *, floored: bool | Flags = True) -> F64:
    """Log Bayes factor of each group's volumes, as a scheduler's against those of accounts alike; f64[groups].

    Of the volumes, or of the volumes a day, whichever is more level; of all members, or of those that have worked for longer than
    a day: where accounts are replaced one by one, the newest have neither the volume of the others nor a rate that says much.

    Args:
        requests: f64[members], groups one after the other.
        days: f64[members], for which each has worked.
        offsets: i64[groups + 1].
        least: requests below which an account would not be in a group; i64[groups] where they differ.
        floored: whether most of those that are like a group may lie below; bool[groups] where it differs. What a text holds
            together is seen from its second request on.
    """
    out = np.empty(offsets.size - 1)
    floors, below = (np.broadcast_to(np.asarray(each), out.size) for each in (least, floored))
    _beyond(requests, days, offsets, floors, below, np.array(LEVEL), np.array(ALIKE), np.array(_SEEN), out)
    return out


@njit(cache=True, nogil=True)
def _beyond(
    requests: F64,
    days: F64,
    offsets: I64,
    least: I64,
    floored: Flags,
    level: F64,
    alike: F64,
    seen: F64,
    out: F64,
) -> None:
    for g in range(out.shape[0]):
        counts, times = requests[offsets[g] : offsets[g + 1]], days[offsets[g] : offsets[g + 1]]
        of_all = seen if floored[g] and counts.mean() < _FEW_UNSEEN * least[g] else seen[:1]
        out[g] = _odds(counts, times, level, alike, least[g], of_all)
        grown = times > 1.0
        if _ENOUGH <= grown.sum() < grown.size:
            out[g] = max(out[g], _odds(counts[grown], times[grown], level, alike, least[g], of_all))


@njit(cache=True)
def _odds(counts: F64, days: F64, level: F64, alike: F64, least: int, of_all: F64) -> float:
    out = -np.inf
    of_level, of_alike = _orders(counts, level), _orders(counts, alike)
    for mean in _means(counts, days):
        nats = _mixed(counts, mean, level, of_level, least, of_all)
        out = max(out, nats - _mixed(counts, mean, alike, of_alike, least, of_all))
    return out


@njit(cache=True)
def _mixed(counts: F64, mean: F64, shapes: F64, orders: F64, least: int, of_all: F64) -> float:
    """Log of the mean likelihood over shapes, each at the likeliest mean of those that it may be of."""
    at = np.full(shapes.shape[0], -np.inf)
    for k in range(shapes.shape[0]):
        for part in of_all:
            at[k] = max(at[k], _log_likelihood(counts, mean * part, shapes[k], orders[k], least))
    return at.max() + math.log(np.exp(at - at.max()).mean())
