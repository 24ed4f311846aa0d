"""Keyed account hashes to row numbers: an open-addressing table in two arrays, so that no account becomes a Python object."""

import numpy as np
from numba import njit

from detector.profiles.layout import I32, U64


@njit(cache=True, nogil=True)
def assign(keys: U64, slots: I32, idents: U64, used: int, out: I32, first: I32) -> int:
    """Look every ident up and give new ones the next slot.

    Args:
        keys: table of idents, its length a power of two, 0 where free.
        slots: slot of each table entry.
        idents: u64[n], non-zero.
        used: slots given out so far.
        out: i32[n], receives the slots.
        first: i32[n], receives the position of each new ident's first sight, in slot order.

    Returns:
        Slots given out now in all.
    """
    mask = np.uint64(keys.shape[0] - 1)
    start = used
    for i in range(idents.shape[0]):
        place = (idents[i] ^ (idents[i] >> np.uint64(32))) & mask
        while keys[place] != 0 and keys[place] != idents[i]:
            place = (place + np.uint64(1)) & mask
        if keys[place] == 0:
            keys[place] = idents[i]
            slots[place] = used
            first[used - start] = i
            used += 1
        out[i] = slots[place]
    return used


@njit(cache=True)
def rebuild(keys: U64, slots: I32, idents: U64) -> None:
    """Fill an empty table with `idents`, whose positions are their slots."""
    mask = np.uint64(keys.shape[0] - 1)
    for slot in range(idents.shape[0]):
        place = (idents[slot] ^ (idents[slot] >> np.uint64(32))) & mask
        while keys[place] != 0:
            place = (place + np.uint64(1)) & mask
        keys[place] = idents[slot]
        slots[place] = slot
