"""Around a group: the accounts outside that are nearest to its middle, among as many as a provider has, and to its members.

A tree is no faster than a look at all of them in twenty dimensions and more. Here a sample tells how far away the nearest
may be, a sorted dimension leaves out whoever is farther, and most others are known to be by their first dimensions.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from detector.profiles.layout import F64, I64, Flags

_SAMPLE = 2048  # accounts
_MORE = 1.5  # times as many as are wanted lie within the first bound, and some
_SOME = 8
_WIDER = 4.0  # times, where it turns out too small
_BLOCK, _FIRST = 256, 8  # accounts that are looked at together, in as many dimensions
_BESIDE = 10  # outsiders for each member, the nearest; those farther away add nothing to the sum
_AROUND = 1000  # outsiders that are nearest to the middle of a group; a group is small beside what lies between it and the others
_FEW = 200  # of them; most groups are so small that theirs are known to be among these
_ROUNDED = 1e-9  # of a distance, and more than a rounding error


class Places(NamedTuple):
    """Where accounts lie, ready to be looked around in.

    Attributes:
        place: f64[accounts, dimensions].
        order: i64[accounts], ascending by the widest dimension.
        rank: i64[accounts], where each one is in that order.
        columns: f64[dimensions, accounts] in that order, the widest first.
        sample: f64[dimensions, some], columns of some of the accounts.
    """

    place: F64
    order: I64
    rank: I64
    columns: F64
    sample: F64


def places(place: F64) -> Places:
    """Accounts by where they lie; f64[accounts, dimensions]."""
    widest = np.argsort(-place.var(axis=0), kind="stable")
    order = np.argsort(place[:, widest[0]], kind="stable")
    rank = np.empty(order.size, np.int64)
    rank[order] = np.arange(order.size)
    columns = np.ascontiguousarray(place[order][:, widest].T)
    return Places(place, order, rank, columns, columns[:, :: _step(order.size)].copy())


@njit(cache=True, nogil=True)
def _step(accounts: int) -> int:
    """From one account of the sample to the next."""
    return max(accounts // _SAMPLE, 1)


@njit(cache=True, nogil=True)
def _far(columns: F64, middle: F64, i: int) -> float:
    """Squared distance of an account."""
    far = 0.0
    for d in range(middle.shape[0]):
        far += (columns[d, i] - middle[d]) ** 2
    return far


@njit(cache=True, nogil=True)
def _add_squares(columns: F64, middle: F64, first: int, far: F64) -> None:
    """Add squared distances of accounts from some place on."""
    for d in range(middle.shape[0]):
        column, at = columns[d][first : first + far.shape[0]], middle[d]
        for i in range(far.shape[0]):
            far[i] += (column[i] - at) ** 2


@njit(cache=True, nogil=True)
def _within(columns: F64, middle: F64, outside: Flags, bound: float, rows: I64, far: F64) -> int:
    """Fill accounts outside that are nearer than a bound, and how far they are; how many."""
    reach, n = math.sqrt(bound), 0
    start = np.searchsorted(columns[0], middle[0] - reach, side="left")
    stop = np.searchsorted(columns[0], middle[0] + reach, side="right")
    block = np.empty(_BLOCK)
    for first in range(start, stop, _BLOCK):
        some = block[: min(_BLOCK, stop - first)]
        some[:] = 0.0
        _add_squares(columns, middle[:_FIRST], first, some)
        for k in range(some.shape[0]):
            each = some[k]
            d = _FIRST
            while each < bound and d < middle.shape[0]:
                each += (columns[d, first + k] - middle[d]) ** 2
                d += 1
            if each < bound and outside[first + k]:
                rows[n], far[n] = first + k, each
                n += 1
    return n


@njit(cache=True, nogil=True)
def _middle(columns: F64, group: I64) -> F64:
    middle = np.zeros(columns.shape[0])
    for i in group:
        middle += columns[:, i]
    middle /= group.shape[0]
    return middle


@njit(cache=True, nogil=True)
def _around(of: Places, group: I64, middle: F64, most: int) -> tuple[I64, F64]:
    """The nearest ones by their place in the order, and how far they are squared, ascending; `group` are such places too."""
    accounts = of.order.shape[0]
    outside = np.ones(accounts, np.bool_)
    for i in group:
        outside[i] = False
    sample = np.zeros(of.sample.shape[1])
    _add_squares(of.sample, middle, 0, sample)
    enough = min(int(_MORE * most / _step(accounts)) + _SOME, sample.shape[0] - 1)
    bound = np.partition(sample, enough)[enough] + 1e-12
    wanted = min(most, accounts - group.shape[0])
    rows, far = np.empty(accounts, np.int64), np.empty(accounts)
    n = _within(of.columns, middle, outside, bound, rows, far)
    while n < wanted:
        bound *= _WIDER
        n = _within(of.columns, middle, outside, bound, rows, far)
    nearest = np.argsort(far[:n], kind="mergesort")[:wanted]
    return rows[nearest], far[nearest]


@njit(cache=True, nogil=True)
def around(of: Places, group: I64, most: int) -> I64:
    """At most so many accounts outside of a group, the nearest to its middle first; i64[n].

    Args:
        of: all accounts.
        group: i64[members], rows of the places.
        most: as many are wanted.
    """
    ranks = of.rank[group]
    return of.order[_around(of, ranks, _middle(of.columns, ranks), most)[0]]


@njit(cache=True, nogil=True)
def _nearest(place: F64, i: int, rows: I64, far: F64, most: int, chosen: Flags) -> bool:
    """Mark those of `rows` that are among the nearest of a member; whether anyone farther away than `rows` could be as near.

    `far` is how far each is at least, ascending.
    """
    near, held = np.full(most, np.inf), np.empty(most, np.int64)
    last, could = np.inf, True
    for r in range(rows.shape[0]):
        if far[r] > last:
            could = False
            break
        each = 0.0
        for d in range(place.shape[1]):
            each += (place[i, d] - place[rows[r], d]) ** 2
            if each >= near[most - 1]:
                break
        if each >= near[most - 1]:
            continue
        j = most - 1
        while j > 0 and near[j - 1] > each:
            near[j], held[j] = near[j - 1], held[j - 1]
            j -= 1
        near[j], held[j] = each, r
        last = math.sqrt(near[most - 1])
    chosen[held] = True
    return could


@njit(cache=True, nogil=True)
def beside(of: Places, group: I64) -> I64:
    """The accounts outside of a group that are nearest to its members, of those nearest to its middle; i64[n], ascending.

    Args:
        of: where all accounts lie.
        group: i64[members].
    """
    outside = of.order.shape[0] - group.shape[0]
    most = min(_BESIDE, outside)
    if most <= 0:
        return np.zeros(0, np.int64)
    ranks = of.rank[group]
    middle = _middle(of.columns, ranks)
    for wanted in (_FEW, _AROUND):
        near, squared = _around(of, ranks, middle, wanted)
        far, rows = np.sqrt(squared) * (1.0 - _ROUNDED) - _ROUNDED, of.order[near]
        chosen, could = np.zeros(rows.shape[0], np.bool_), False
        for k in range(group.shape[0]):
            # No side of a triangle is shorter than the others' difference.
            mine = math.sqrt(_far(of.columns, middle, ranks[k]))
            could |= _nearest(of.place, group[k], rows, far - mine, most, chosen)
        if not could or outside <= wanted:
            break
    return np.sort(rows[chosen])
