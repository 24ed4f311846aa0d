"""Bands of communities: members that hold one text, set apart by what part of their requests carries it.

A wrapper that two pools share makes one community of them, and of what is in all of either's requests there is no core. A pool that
hides among customers' traffic sends it in a fifth of what it does, one that does nothing else in all of it: the shares of two such
pools lie around two values, those of one around one.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
from numba import njit

from detector.coordination.cores import LEAST, forgotten, gathered, in_halves
from detector.coordination.graph import TEXTS, Links
from detector.profiles.layout import F64, I32, I64, U8, Flags

# In the name of a cluster, beside the hash of the text that its members hold: in a smaller part of what they do, or in a larger one.
FAINT: Final = 0x10 << 56
LOUD: Final = 0x20 << 56
# Of the variance of log shares, what lies between the two sides of the best cut (Otsu 1979): evenly spread ones have 0.75, normal
# ones 0.64.
_BETWEEN: Final = 0.8
_APART: Final = math.log(2.0)  # means of log shares


@njit(cache=True, nogil=True)
def _cut(ordered: F64) -> int:
    """How many of the shares, ascending logs, are of the lower band; 0 where there is one band."""
    n, whole = ordered.shape[0], ordered.sum()
    spread = ((ordered - whole / n) ** 2).sum()
    best, at, lower = 0.0, 0, 0.0
    for i in range(1, n - LEAST + 1):
        lower += ordered[i - 1]
        apart = (whole - lower) / (n - i) - lower / i
        between = apart * apart * i * (n - i) / n
        if i >= LEAST and between > best and apart >= _APART:
            best, at = between, i
    return at if best >= _BETWEEN * spread else 0


@njit(cache=True, nogil=True)
def _shares(links: Links, slots: I32, key: int) -> F64:
    """Log of what part of each account's requests carries a text, but for a constant; infinite where it does not hold it."""
    out = np.full(slots.shape[0], np.inf)
    for i in range(slots.shape[0]):
        for e in range(links.starts[slots[i]], links.starts[slots[i] + 1]):
            if links.key[e] == key:
                out[i] = math.log(links.weight[e])
    return out


@njit(cache=True, nogil=True)
def _bands(links: Links, texts: Flags, slots: I32, bounds: I64, key: I64, band: U8) -> None:
    """Fill the text of each community that has two bands, and the band of each member: 1 below, 2 above, 0 without the text."""
    keys = links.holders.shape[0]
    held, strength, met = np.zeros(keys, np.int32), np.zeros(keys), np.empty(keys, np.int64)
    for g in range(key.shape[0]):
        members, key[g] = slots[bounds[g] : bounds[g + 1]], -1
        if members.shape[0] < 2 * LEAST:
            continue
        touched, k = gathered(links, texts, 0, members, held, strength, met), -1
        for text in met[:touched]:
            if k < 0 or (strength[text], -text) > (strength[k], -k):
                k = text
        forgotten(met[:touched], held, strength)
        if k < 0 or links.holders[k] < 2 * LEAST:
            continue
        shares = _shares(links, members, k)
        ordered = np.sort(shares[shares < np.inf])
        at = _cut(ordered) if ordered.shape[0] >= 2 * LEAST else 0
        if at > 0:
            key[g] = k
            for i in range(members.shape[0]):
                if shares[i] < np.inf:
                    band[bounds[g] + i] = 1 if shares[i] < ordered[at] else 2


def bands(groups: Sequence[I32], links: Links) -> list[tuple[int, I32]]:
    """Members of each community that hold its strongest text in a smaller part of what they do, and in a larger one, if it has both.

    Args:
        groups: slots of each community.
        links: of the look.

    Returns:
        Hash of the text with `FAINT` or `LOUD`, and slots, ascending, of each band.
    """
    return in_halves(partial(_within, links), groups)


def _within(links: Links, slots: I32, bounds: I64) -> list[tuple[int, I32]]:
    """Bands of some communities, at least one."""
    key, band = np.empty(bounds.size - 1, np.int64), np.zeros(slots.size, np.uint8)
    _bands(links, TEXTS, slots, bounds, key, band)
    out = []
    for g in np.flatnonzero(key >= 0).tolist():  # over communities of two bands
        of = slice(bounds[g], bounds[g + 1])
        members, side, hashed = slots[of], band[of], int(links.hashed[key[g]])
        out += [(hashed | name, members[side == number]) for number, name in ((1, FAINT), (2, LOUD))]
    return out


def text_of(name: int) -> int:
    """Hash of the key in the name of a core or of a band."""
    return name & ~(FAINT | LOUD)
