"""What part of its members' requests carries what a cluster shares: who sends too little of it is not seen.

A text counts as a habit once an account has repeated it. A wrapper is in every request, so that two of them will do; a phrase that is
in a tenth of what everybody sends is held by those alone who send some twenty. They are busy people, and look level for no other
reason than that the others are left out.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from detector.coordination.cores import MOST_SHARE
from detector.coordination.graph import GLUE, TEXTS, Links
from detector.coordination.keys import MIN_SUPPORT
from detector.profiles.layout import F64, I32, I64, U8, U64


@njit(cache=True, nogil=True)
def _holding(member: I64, edge: I64, key: I64, kind: U8, hashed: U64, wanted: U64, out: I64) -> int:
    """Places of the edges whose key holds the cluster of their member together; how many."""
    n = 0
    for i in range(member.shape[0]):
        e = edge[i]
        if GLUE[kind[e]] if wanted[member[i]] == 0 else hashed[key[e]] == wanted[member[i]]:
            out[n] = i
            n += 1
    return n


@njit(cache=True, nogil=True)
def _most(member: I64, share: F64, out: F64) -> None:
    for i in range(member.shape[0]):
        out[member[i]] = max(out[member[i]], share[i])


@njit(cache=True, nogil=True)
def _medians(values: F64, offsets: I64, out: F64) -> None:
    for g in range(out.shape[0]):
        ordered = np.sort(values[offsets[g] : offsets[g + 1]])
        half = ordered.shape[0] // 2
        out[g] = ordered[half] if ordered.shape[0] % 2 else (ordered[half - 1] + ordered[half]) / 2.0


def medians(values: F64, offsets: I64) -> F64:
    """Median of each group; f64[groups].

    Args:
        values: f64[n], groups one after the other.
        offsets: i64[groups + 1]; no group is empty.
    """
    out = np.empty(offsets.size - 1)
    _medians(values, offsets, out)
    return out


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
    member, edge = links.of(slots)
    wanted = np.repeat(np.asarray(keys, np.uint64), np.diff(offsets))
    here = np.empty(member.size, np.int64)
    here = here[: _holding(member, edge, links.key, links.kind, links.hashed, wanted, here)]
    member, edge = member[here], edge[here]
    key, kind = links.key[edge], links.kind[edge]
    rare = np.log(max(population, 2) / links.holders[key])
    most = np.zeros(slots.size)
    _most(member, np.where(TEXTS[kind], links.weight[edge] / np.maximum(rare, 1e-9), 1.0), most)
    # Whoever holds none of them any more came in by one that is gone.
    most = np.where(most > 0, np.clip(most, MIN_SUPPORT, 1.0), 1.0)
    return medians(most, offsets)


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
