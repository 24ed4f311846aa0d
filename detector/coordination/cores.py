"""Cores of communities: the members that hold one key, proposed as clusters of their own.

Two pools that share a common phrase, or a pool and the users of a tool, end up in one community, and the mixture looks like neither.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from detector.coordination.graph import GLUE, Links
from detector.profiles.layout import F64, I32, I64, U8, Flags

LEAST = 4  # members of a core
MOST_SHARE = 0.8  # of the community: above, the community says the same
PER_COMMUNITY = 3  # strongest keys of a community


@njit(cache=True, nogil=True)
def _strongest(
    key: I64, weight: F64, glues: Flags, kind: U8, edge: I64, bounds: I64, size: I64, keys: int, chosen: I64, of: I64
) -> int:
    """Fill the strongest keys of each community that some of its members hold, and the community of each; how many."""
    held, strength, met = np.zeros(keys, np.int32), np.zeros(keys), np.empty(keys, np.int64)
    n = 0
    for g in range(size.shape[0]):
        touched, first = 0, n
        for e in edge[bounds[g] : bounds[g + 1]]:
            if not glues[kind[e]]:
                continue
            k = key[e]
            if held[k] == 0:
                met[touched] = k
                touched += 1
            held[k] += 1
            strength[k] += weight[e]
        for k in met[:touched]:
            if LEAST <= held[k] <= MOST_SHARE * size[g]:
                n = _insert(chosen, first, n, k, strength)
        of[first:n] = g
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
def _members(key: I64, slot: I32, edge: I64, bounds: I64, chosen: I64, of: I64, ends: I64, out: I32) -> None:
    """Fill the holders of each chosen key within its community, one after the other, and where they end."""
    n = 0
    for c in range(chosen.shape[0]):
        for e in edge[bounds[of[c]] : bounds[of[c] + 1]]:
            if key[e] == chosen[c]:
                out[n] = slot[e]
                n += 1
        ends[c + 1] = n


def cores(groups: Sequence[I32], links: Links) -> list[tuple[int, I32]]:
    """Members of each community that hold one of its strongest keys.

    Args:
        groups: slots of each community.
        links: of the look.

    Returns:
        Hash of the key and slots, ascending, of each core; none equals a community or another core.
    """
    if not groups:
        return []
    slots = np.concatenate(groups)
    size = np.array([g.size for g in groups], np.int64)
    member, edge = links.of(slots.astype(np.int32))
    # Members lie by community, and so do their edges.
    bounds = np.searchsorted(member, np.concatenate([[0], np.cumsum(size)]))
    most = PER_COMMUNITY * size.size
    chosen, of = np.empty(most, np.int64), np.empty(most, np.int64)
    n = _strongest(links.key, links.weight, GLUE, links.kind, edge, bounds, size, links.holders.size, chosen, of)
    ends, holders = np.zeros(n + 1, np.int64), np.empty(PER_COMMUNITY * member.size, np.int32)
    _members(links.key, links.slot, edge, bounds, chosen[:n], of[:n], ends, holders)
    hashed = links.hashed[chosen[:n]].tolist()
    named = [(key, holders[a:b]) for key, a, b in zip(hashed, ends[:-1].tolist(), ends[1:].tolist(), strict=True)]
    named.sort(key=lambda core: core[0])
    unlike = {members.tobytes(): (key, members) for key, members in reversed(named)}
    return [unlike[members] for members in sorted(unlike)]
