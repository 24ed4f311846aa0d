"""Cores of communities: the members that hold one key, proposed as clusters of their own.

Two pools that share a common phrase, or a pool and the users of a tool, end up in one community, and the mixture looks like neither.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from numba import njit

from detector.coordination.graph import GLUE, Links
from detector.profiles.layout import F64, I32, I64, Flags

LEAST = 4  # members of a core
MOST_SHARE = 0.8  # of the community: above, the community says the same
PER_COMMUNITY = 3  # strongest keys of a community


@njit(cache=True, nogil=True)
def _strongest(links: Links, glues: Flags, slots: I32, bounds: I64, chosen: I64, ends: I64, of: I64) -> int:
    """Fill the strongest keys of each community that some of its members hold; how many.

    `ends` says where the members of each core end when all lie one after the other, `of` where the cores of each community end.
    """
    starts, key, kind, weight, holders = links.starts, links.key, links.kind, links.weight, links.holders
    held, strength = np.zeros(holders.shape[0], np.int32), np.zeros(holders.shape[0])
    met, n = np.empty(holders.shape[0], np.int64), 0
    for g in range(of.shape[0] - 1):
        touched, first, most = 0, n, MOST_SHARE * (bounds[g + 1] - bounds[g])
        for s in slots[bounds[g] : bounds[g + 1] if most >= LEAST else bounds[g]]:
            for e in range(starts[s], starts[s + 1]):
                k = key[e]
                if not glues[kind[e]] or holders[k] < LEAST:
                    continue
                if held[k] == 0:
                    met[touched] = k
                    touched += 1
                held[k] += 1
                strength[k] += weight[e]
        for k in met[:touched]:
            if LEAST <= held[k] <= most:
                n = _insert(chosen, first, n, k, strength)
        for c in range(first, n):
            ends[c + 1] = ends[c] + held[chosen[c]]
        of[g + 1] = n
        for k in met[:touched]:
            held[k], strength[k] = 0, 0.0
    return n


@njit(cache=True)
def _insert(chosen: I64, first: int, n: int, k: int, strength: F64) -> int:
    """Put a key among those from `first` on, strongest first, ties by number; how many there are then."""
    j = n
    while j > first and (strength[chosen[j - 1]], -chosen[j - 1]) < (strength[k], -k):
        j -= 1
    stop = min(n + 1, first + PER_COMMUNITY)
    if j < stop:
        chosen[j + 1 : stop] = chosen[j : stop - 1].copy()
        chosen[j] = k
    return stop


@njit(cache=True, nogil=True)
def _members(links: Links, slots: I32, bounds: I64, chosen: I64, ends: I64, of: I64, out: I32) -> None:
    """Fill the members of each core, one after the other."""
    starts, key, place = links.starts, links.key, ends[:-1].copy()
    for g in range(of.shape[0] - 1):
        first, last = of[g], of[g + 1]
        for s in slots[bounds[g] : bounds[g + 1] if last > first else bounds[g]]:
            for e in range(starts[s], starts[s + 1]):
                for c in range(first, last):
                    if key[e] == chosen[c]:
                        out[place[c]] = s
                        place[c] += 1


def in_halves(work: Callable[[Sequence[I32]], list[tuple[int, I32]]], groups: Sequence[I32]) -> list[tuple[int, I32]]:
    """What a kernel finds in each community, found in two threads: communities are apart, and kernels hold no lock.

    Args:
        work: for some communities, at least one.
        groups: slots of each community.
    """
    size = np.cumsum([g.size for g in groups])
    half = int(np.searchsorted(size, size[-1] / 2)) + 1 if groups else 0
    with ThreadPoolExecutor(2) as pool:
        return [each for found in pool.map(work, filter(None, (groups[:half], groups[half:]))) for each in found]


def cores(groups: Sequence[I32], links: Links) -> list[tuple[int, I32]]:
    """Members of each community that hold one of its strongest keys.

    Args:
        groups: slots of each community.
        links: of the look.

    Returns:
        Hash of the key and slots, ascending, of each core; none equals a community or another core.
    """
    named = sorted(in_halves(partial(_within, links), groups), key=lambda core: core[0])
    unlike = {members.tobytes(): (key, members) for key, members in reversed(named)}
    return [unlike[members] for members in sorted(unlike)]


def _within(links: Links, groups: Sequence[I32]) -> list[tuple[int, I32]]:
    """Cores of some communities, at least one."""
    slots = np.concatenate(groups).astype(np.int32, copy=False)
    bounds = np.cumsum([0, *(g.size for g in groups)])
    most = PER_COMMUNITY * len(groups)
    chosen, ends, of = np.empty(most, np.int64), np.zeros(most + 1, np.int64), np.zeros(len(groups) + 1, np.int64)
    n = _strongest(links, GLUE, slots, bounds, chosen, ends, of)
    holders = np.empty(ends[n], np.int32)
    _members(links, slots, bounds, chosen[:n], ends[: n + 1], of, holders)
    hashed = links.hashed[chosen[:n]].tolist()
    return [(key, holders[a:b]) for key, a, b in zip(hashed, ends[:n].tolist(), ends[1 : n + 1].tolist(), strict=True)]
