"""Around a group: the accounts outside that are nearest to its middle, among as many as a provider has.

A tree is no faster than a look at all of them in twenty dimensions and more. Here a sample tells how far away the nearest
may be, a sorted dimension leaves out whoever is farther, and most others are known to be by their first dimensions.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from detector.profiles.layout import F64, I64, Flags

_SAMPLE = 8192  # accounts; a sample of a thousand nearest ones among a million has eight of them
_MORE = 1.5  # times as many as are wanted lie within the first bound, and some
_SOME = 8
_WIDER = 4.0  # times, where it turns out too small


class Places(NamedTuple):
    """Where accounts lie, ready to be looked around in.

    Attributes:
        place: f64[accounts, dimensions].
        order: i64[accounts], ascending by the widest dimension.
        rank: i64[accounts], where each one is in that order.
        columns: f64[dimensions, accounts] in that order, the widest first.
    """

    place: F64
    order: I64
    rank: I64
    columns: F64


def places(place: F64) -> Places:
    """Accounts by where they lie; f64[accounts, dimensions]."""
    widest = np.argsort(-place.var(axis=0), kind="stable")
    order = np.argsort(place[:, widest[0]], kind="stable")
    rank = np.empty(order.size, np.int64)
    rank[order] = np.arange(order.size)
    return Places(place, order, rank, np.ascontiguousarray(place[order][:, widest].T))


@njit(cache=True, nogil=True)
def _far(columns: F64, middle: F64, i: int, bound: float) -> float:
    """Squared distance of an account, or something that is not below the bound."""
    far = 0.0
    for d in range(middle.shape[0]):
        far += (columns[d, i] - middle[d]) ** 2
        if far >= bound:
            break
    return far


@njit(cache=True, nogil=True)
def _within(columns: F64, middle: F64, outside: Flags, bound: float, rows: I64, far: F64) -> int:
    """Fill accounts outside that are nearer than a bound, and how far they are; how many."""
    reach, n = math.sqrt(bound), 0
    start = np.searchsorted(columns[0], middle[0] - reach, side="left")
    stop = np.searchsorted(columns[0], middle[0] + reach, side="right")
    for i in range(start, stop):
        if outside[i]:
            each = _far(columns, middle, i, bound)
            if each < bound:
                rows[n], far[n] = i, each
                n += 1
    return n


@njit(cache=True, nogil=True)
def _around(columns: F64, group: I64, most: int) -> I64:
    """The nearest ones by their place in the order, and the nearest first; `group` are such places too."""
    size, accounts = columns.shape
    middle, outside = np.zeros(size), np.ones(accounts, np.bool_)
    for i in group:
        middle += columns[:, i]
        outside[i] = False
    middle /= group.shape[0]
    step = max(accounts // _SAMPLE, 1)
    sample = np.sort(np.array([_far(columns, middle, i, np.inf) for i in range(0, accounts, step)]))
    bound = sample[min(int(_MORE * most / step) + _SOME, sample.shape[0] - 1)] + 1e-12
    wanted = min(most, accounts - group.shape[0])
    rows, far = np.empty(accounts, np.int64), np.empty(accounts)
    n = _within(columns, middle, outside, bound, rows, far)
    while n < wanted:
        bound *= _WIDER
        n = _within(columns, middle, outside, bound, rows, far)
    return rows[np.argsort(far[:n], kind="mergesort")[:wanted]]


def around(of: Places, group: I64, most: int) -> I64:
    """At most so many accounts outside of a group, the nearest to its middle first; i64[n].

    Args:
        of: all accounts.
        group: i64[members], rows of the places.
        most: as many are wanted.
    """
    return of.order[_around(of.columns, of.rank[group], most)]
