"""Generations of communities: members that had stopped when others began, and those others, proposed as clusters of their own.

A pool that is banned is replaced by accounts that were waiting (`banned_pool` in docs/worlds.md): one text holds both together, but
who comes after may send by another scheduler and in other lengths, and the mixture of the two looks like neither.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
from numba import njit

from detector.coordination.cores import LEAST, in_halves
from detector.profiles.layout import I32, I64, U8

# In the name of a cluster, in place of the hash of a key.
EARLIER: Final = 3
LATER: Final = 4
_MOST_BETWEEN: Final = 0.2  # of the members work before and after; of a crowd that comes and goes many more do
# Of the members: that most of a crowd have not come back yet when a few others come is no end.
_LEAST_SHARE: Final = 0.25
_SURPRISE: Final = 4.6  # nats: one community in a hundred has such generations by chance


@njit(cache=True, nogil=True)
def _cut(first: I64, last: I64) -> int:
    """The time that most members stopped before or began at; 0 where too many did neither, or as many would by chance.

    An account that works for a part of the time that all of them take is at work at any one moment with that probability.
    """
    begins, ends = np.sort(first), np.sort(last)
    n, best, at, before = first.shape[0], 0, 0, 0
    least = max(LEAST, _LEAST_SHARE * n)
    for k in range(1, n):
        while before < n and ends[before] < begins[k]:
            before += 1
        if begins[k] > begins[k - 1] and before >= least and n - k >= least and before + n - k > best:
            best, at = before + n - k, begins[k]
    if best < (1.0 - _MOST_BETWEEN) * n:
        return 0
    # Each of the members is a moment that the cut was chosen among.
    surprise, whole = -math.log(n), float(ends[-1] - begins[0])
    for i in range(n):
        if last[i] < at or first[i] >= at:
            surprise -= math.log(1.0 - (last[i] - first[i]) / whole)
    return at if surprise >= _SURPRISE else 0


@njit(cache=True, nogil=True)
def _generations(first: I64, last: I64, slots: I32, bounds: I64, side: U8) -> None:
    """Fill the generation of each member: 1 before the cut, 2 from it on, 0 where there is none or it is of neither."""
    for g in range(bounds.shape[0] - 1):
        members = slots[bounds[g] : bounds[g + 1]]
        if members.shape[0] < 2 * LEAST:
            continue
        at = _cut(first[members], last[members])
        if at > 0:
            for i in range(members.shape[0]):
                side[bounds[g] + i] = 1 if last[members[i]] < at else (2 if first[members[i]] >= at else 0)


def generations(groups: Sequence[I32], first: I64, last: I64) -> list[tuple[int, I32]]:
    """Members of each community that stopped before others began, and those others, where nearly all are one or the other.

    Args:
        groups: slots of each community.
        first: i64[slots], event time of each account's first exchange, µs.
        last: i64[slots], of its latest one.

    Returns:
        `EARLIER` or `LATER`, and slots, ascending, of each generation.
    """
    return in_halves(partial(_within, first, last), groups)


def _within(first: I64, last: I64, slots: I32, bounds: I64) -> list[tuple[int, I32]]:
    """Generations of some communities, at least one."""
    side = np.zeros(slots.size, np.uint8)
    _generations(first, last, slots, bounds, side)
    out = []
    for g in np.flatnonzero(np.maximum.reduceat(side, bounds[:-1])).tolist():  # over communities of two generations
        members, of = slots[bounds[g] : bounds[g + 1]], side[bounds[g] : bounds[g + 1]]
        out += [(name, members[of == number]) for number, name in ((1, EARLIER), (2, LATER))]
    return out
