"""Cores of communities: the members that hold one key, proposed as clusters of their own.

Two pools that share a common phrase, or a pool and the users of a tool, end up in one community, and the mixture looks like neither.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
from numba import njit

from detector.coordination.graph import GLUE, Links
from detector.coordination.keys import NETWORK
from detector.profiles.layout import F64, I32, I64, NETWORK_KEYS, U64, Flags, offsets_of

T = TypeVar("T")
LEAST = 4  # members of a core
MOST_SHARE = 0.8  # of the community: above, the community says the same
PER_COMMUNITY = 3  # strongest keys of a community
# And one more for so many members: the users of several tools are glued together by what all tools say, and the wrapper of a pool
# among them, which only opens its conversations, comes after the tools' system prompts.
ONE_MORE, MOST_MORE = 8, 12


@njit(cache=True, nogil=True)
def gathered(links: Links, kinds: Flags, least: int, slots: I32, held: I32, strength: F64, met: I64) -> int:
    """Add up by how many of some accounts each key is held, and how strongly; how many keys were met, which `met` lists.

    Of the wanted kinds, and of at least so many holders among everybody; `held` and `strength` are zeros before.
    """
    starts, key, kind, weight, holders = links.starts, links.key, links.kind, links.weight, links.holders
    touched = 0
    for s in slots:
        for e in range(starts[s], starts[s + 1]):
            k = key[e]
            if not kinds[kind[e]] or holders[k] < least:
                continue
            if held[k] == 0:
                met[touched] = k
                touched += 1
            held[k] += 1
            strength[k] += weight[e]
    return touched


@njit(cache=True, nogil=True)
def forgotten(met: I64, held: I32, strength: F64) -> None:
    """Make zeros again of what was gathered."""
    for k in met:
        held[k], strength[k] = 0, 0.0


@njit(cache=True, nogil=True)
def _lost(links: Links, members: I32) -> U64:
    """Of the members whose sample of networks is full, the largest key in it, ascending: any larger one they may have lost."""
    top, n = np.empty(members.shape[0], np.uint64), 0
    for s in members:
        kept, most = 0, np.uint64(0)
        for e in range(links.starts[s], links.starts[s + 1]):
            if links.kind[e] == NETWORK:
                kept += 1
                most = max(most, links.hashed[links.key[e]])
        if kept == NETWORK_KEYS:
            top[n] = most
            n += 1
    return np.sort(top[:n])


@njit(cache=True, nogil=True)
def _strongest(
    links: Links, glues: Flags, slots: I32, bounds: I64, wanted: I64, chosen: I64, ends: I64, of: I64
) -> int:
    """Fill the strongest keys of each community that some of its members hold, as many as are wanted at most; how many.

    `ends` says where the members of each core end when all lie one after the other, `of` where the cores of each community end.
    """
    keys = links.holders.shape[0]
    held, strength, met, n = np.zeros(keys, np.int32), np.zeros(keys), np.empty(keys, np.int64), 0
    for g in range(of.shape[0] - 1):
        first, most = n, MOST_SHARE * (bounds[g + 1] - bounds[g])
        members = slots[bounds[g] : bounds[g + 1] if most >= LEAST else bounds[g]]
        touched = gathered(links, glues, LEAST, members, held, strength, met)
        lost = _lost(links, members)
        for k in met[:touched]:
            # Of the exits of one egress those who ask little hold the rarest alone, for the others' samples are full: they are level
            # for that reason, and no group.
            network = links.hashed[k] >> np.uint64(56) == NETWORK + 1
            if network and np.searchsorted(lost, links.hashed[k]) >= held[k]:
                continue
            if LEAST <= held[k] <= most:
                n = _insert(chosen, first, n, first + wanted[g], k, strength)
        for c in range(first, n):
            ends[c + 1] = ends[c] + held[chosen[c]]
        of[g + 1] = n
        forgotten(met[:touched], held, strength)
    return n


@njit(cache=True)
def _insert(chosen: I64, first: int, n: int, last: int, k: int, strength: F64) -> int:
    """Put a key among those from `first` to `last`, strongest first, ties by number; where they end then."""
    j = n
    while j > first and (strength[chosen[j - 1]], -chosen[j - 1]) < (strength[k], -k):
        j -= 1
    stop = min(n + 1, last)
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


class Core(NamedTuple):
    """Members of a community that hold one of its strongest keys.

    Attributes:
        key: hash of the key.
        members: slots, ascending.
        rank: keys of the community that are stronger.
    """

    key: int
    members: I32
    rank: int

    @property
    def price(self) -> float:
        """Nats that it has to show beyond others: of more keys than every community has, it is the most level by choice."""
        return math.log(max((self.rank + 1) / PER_COMMUNITY, 1.0))


def in_halves(work: Callable[[I32, I64], list[T]], groups: Sequence[I32]) -> list[T]:
    """What a kernel finds in each community, found in two threads: communities are apart, and kernels hold no lock.

    Args:
        work: for at least one community; their slots, one after the other, and where each of them starts and the last one ends.
        groups: slots of each community.
    """
    if not groups:
        return []
    slots, bounds = np.concatenate(groups).astype(np.int32, copy=False), offsets_of(groups)
    half = int(np.searchsorted(bounds[1:], bounds[-1] / 2)) + 1
    halves = [(slots, bounds[: half + 1])]
    if half < len(groups):
        halves.append((slots[bounds[half] :], bounds[half:] - bounds[half]))
    with ThreadPoolExecutor(2) as pool:
        return [each for found in pool.map(work, *zip(*halves, strict=True)) for each in found]


def cores(groups: Sequence[I32], links: Links) -> list[Core]:
    """Members of each community that hold one of its strongest keys.

    Args:
        groups: slots of each community.
        links: of the look.

    Returns:
        Cores, none of which equals a community or another core.
    """
    unlike: dict[bytes, Core] = {}
    for core in sorted(in_halves(partial(_within, links), groups), key=lambda core: core.key):
        twin = unlike.setdefault(members := core.members.tobytes(), core)
        if core.rank < twin.rank:
            unlike[members] = twin._replace(rank=core.rank)
    return [unlike[members] for members in sorted(unlike)]


def _within(links: Links, slots: I32, bounds: I64) -> list[Core]:
    """Cores of some communities, at least one."""
    wanted = PER_COMMUNITY + np.minimum(np.diff(bounds) // ONE_MORE, MOST_MORE)
    most = int(wanted.sum())
    chosen, ends, of = np.empty(most, np.int64), np.zeros(most + 1, np.int64), np.zeros(bounds.size, np.int64)
    n = _strongest(links, GLUE, slots, bounds, wanted, chosen, ends, of)
    holders = np.empty(ends[n], np.int32)
    _members(links, slots, bounds, chosen[:n], ends[: n + 1], of, holders)
    hashed, rank = links.hashed[chosen[:n]].tolist(), np.arange(n) - np.repeat(of[:-1], np.diff(of))
    parts = zip(hashed, ends[:n].tolist(), ends[1 : n + 1].tolist(), rank.tolist(), strict=True)
    return [Core(key, holders[a:b], place) for key, a, b, place in parts]
