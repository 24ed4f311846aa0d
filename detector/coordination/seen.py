"""What part of its members' requests carries what a cluster shares: who sends too little of it is not seen.

A text counts as a habit once an account has repeated it. A wrapper is in every request, so that two of them will do; a phrase that is
in a tenth of what everybody sends is held by those alone who send some twenty. They are busy people, and look level for no other
reason than that the others are left out.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numba import njit

from detector.coordination.cores import MOST_SHARE
from detector.coordination.graph import GLUE, TEXTS, Links
from detector.coordination.keys import MIN_SUPPORT
from detector.profiles.layout import F64, I32, I64, U64


def carried(links: Links, slots: I32, offsets: I64, keys: Sequence[int], population: int) -> F64:
    """Median over the members of each cluster of the share of requests that carries its key; f64[clusters].

    Of a community, which any of its keys lets in, the key that most of a member's requests carry; 1 where that is no text.

    Args:
        links: of the look.
        slots: members of all clusters one after the other.
        offsets: i64[clusters + 1].
        keys: hash of the key that holds a cluster together; 0 for a community.
        population: active accounts.
    """
    cluster = np.repeat(np.arange(offsets.size - 1), np.diff(offsets))
    member, edge = links.of(slots)
    key, kind = links.key[edge], links.kind[edge]
    wanted = np.asarray(keys, np.uint64)[cluster[member]]
    here = np.where(wanted == 0, GLUE[kind], links.hashed[key] == wanted)
    member, edge, key, kind = member[here], edge[here], key[here], kind[here]
    rare = np.log(max(population, 2) / links.holders[key])
    share = np.where(TEXTS[kind], links.weight[edge] / np.maximum(rare, 1e-9), 1.0)
    most = np.zeros(slots.size)
    np.maximum.at(most, member, share)
    # Whoever holds none of them any more came in by one that is gone.
    most = np.where(most > 0, np.clip(most, MIN_SUPPORT, 1.0), 1.0)
    return np.array([np.median(most[a:b]) for a, b in pairwise(offsets.tolist())])


@njit(cache=True, nogil=True)
def _common(key: I64, bounds: I64, keys: int, least: I64, out: I64) -> None:
    """Fill the key that most members of each cluster hold, the smallest of them where several do; −1 where fewer than `least` do."""
    held = np.zeros(keys, np.int32)
    for g in range(out.shape[0]):
        best, most = -1, 0
        for e in range(bounds[g], bounds[g + 1]):
            held[key[e]] += 1
            if held[key[e]] > most or (held[key[e]] == most and key[e] < best):
                best, most = key[e], held[key[e]]
        for e in range(bounds[g], bounds[g + 1]):
            held[key[e]] = 0
        out[g] = best if most >= least[g] else -1


def texts_of(links: Links, slots: I32, offsets: I64, keys: Sequence[int]) -> U64:
    """Hash of the text that holds each member's cluster together; u64[members].

    That is the text by which a core is named, and of a community the one that most members hold, if it is nearly all of them; 0
    where there is none.

    Args:
        links: of the look.
        slots: members of all clusters one after the other.
        offsets: i64[clusters + 1].
        keys: hash of the key that holds a cluster together; 0 for a community.
    """
    member, edge = links.of(slots)
    text = TEXTS[links.kind[edge]]
    member, edge = member[text], edge[text]
    common = np.empty(offsets.size - 1, np.int64)
    least = np.ceil(MOST_SHARE * np.diff(offsets)).astype(np.int64)
    _common(links.key[edge], np.searchsorted(member, offsets), links.holders.size, least, common)
    named = np.asarray(keys, np.uint64)
    shared = np.where(common >= 0, links.hashed[common], np.uint64(0))
    return np.repeat(np.where(named == 0, shared, named), np.diff(offsets))


def carrying(links: Links, slots: I32, texts: U64, population: int) -> F64:
    """Share of each member's requests that carry a text; f64[members], 0 for a member that does not hold it.

    Args:
        links: of the look.
        slots: members of all clusters one after the other.
        texts: u64[members], hash of the text.
        population: active accounts.
    """
    member, edge = links.of(slots)
    here = TEXTS[links.kind[edge]] & (links.hashed[links.key[edge]] == texts[member])
    member, edge = member[here], edge[here]
    rare = np.log(max(population, 2) / links.holders[links.key[edge]])
    out = np.zeros(slots.size)
    out[member] = np.minimum(links.weight[edge] / np.maximum(rare, 1e-9), 1.0)
    return out
