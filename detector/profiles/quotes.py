"""Where quotations and code end, for the scanner of masked words.

Each kind of closing mark remembers how far it was looked for in vain and is not looked for there again: a text of
nothing but opening marks costs no more than another.
"""

import numpy as np
from numba import njit

from detector.profiles.bits import load8
from detector.profiles.characters import (
    APOSTROPHE,
    CURLY_CLOSE,
    CURLY_OPEN,
    DOUBLE_QUOTE,
    FEED,
    SPACE,
    TICK,
    is_mark,
    wordlike,
)
from detector.profiles.layout import I64

QUOTED = 512  # bytes of the longest double-quoted string that is taken for a slot, less one
SINGLE = 120  # the same between apostrophes, which are more often no quotes
INLINE = 256  # the same between single back-ticks
SEARCHES = 5

MASKS = ("num", "quote", "code", "url", "slot")
NUM, QUOTE, CODE, URL, SLOT = (np.uint64(0x5851F42D4C957F2D * k & 0xFFFF_FFFF_FFFF_FFFF) for k in range(1, 6))

_DOUBLE, _SINGLE, _TICKS, _CURLY, _FENCE = range(SEARCHES)


@njit(cache=True)
def _double_close(i: int, stop: int, tried: I64) -> int:
    """End of the double-quoted string that starts at `i`, or −1; a blank line ends the search."""
    j = max(i + 1, int(tried[_DOUBLE]))
    last = min(stop, i + 1 + QUOTED)
    while j < last:
        if load8(j) == DOUBLE_QUOTE:
            return j + 1
        if load8(j) == FEED and j + 1 < stop and load8(j + 1) == FEED:
            return -1
        j += 1
    tried[_DOUBLE] = j
    return -1


@njit(cache=True)
def _single_close(i: int, start: int, stop: int, tried: I64) -> int:
    """End of the single-quoted string at `i`, or −1: it opens before a word, closes after one, keeps to its line."""
    if (i > start and wordlike(i - 1, stop)) or i + 1 >= stop or load8(i + 1) <= SPACE:
        return -1
    j = max(i + 2, int(tried[_SINGLE]))
    last = min(stop, i + 2 + SINGLE)
    while j < last and load8(j) != FEED:
        if load8(j) == APOSTROPHE and load8(j - 1) > SPACE and not wordlike(j + 1, stop):
            return j + 1
        j += 1
    tried[_SINGLE] = j
    return -1


@njit(cache=True)
def _tick_close(i: int, stop: int, tried: I64) -> int:
    """End of the code that starts at `i`, fenced or within its line, or −1."""
    if i + 2 < stop and load8(i + 1) == TICK and load8(i + 2) == TICK:
        if tried[_FENCE] > 0:
            return -1
        for j in range(i + 3, stop - 2):
            if load8(j) == TICK and load8(j + 1) == TICK and load8(j + 2) == TICK:
                return j + 3
        tried[_FENCE] = 1
        return -1
    j = max(i + 1, int(tried[_TICKS]))
    last = min(stop, i + 1 + INLINE)
    while j < last and load8(j) != FEED:
        if load8(j) == TICK:
            return j + 1
        j += 1
    tried[_TICKS] = j
    return -1


@njit(cache=True)
def _curly_close(i: int, stop: int, tried: I64) -> int:
    """End of the string in curly quotes that starts at `i`, or −1."""
    j = max(i + 3, int(tried[_CURLY]))
    last = min(stop, i + 3 + QUOTED)
    while j < last:
        if is_mark(j, stop, CURLY_CLOSE):
            return j + 3
        j += 1
    tried[_CURLY] = j
    return -1


@njit(cache=True)
def slot(i: int, start: int, stop: int, tried: I64) -> tuple[np.uint64, int]:
    """The mask and the end of the quotation or code that starts at `i`; the end is −1 where none does."""
    byte = load8(i)
    if byte == DOUBLE_QUOTE:
        return QUOTE, _double_close(i, stop, tried)
    if byte == APOSTROPHE:
        return QUOTE, _single_close(i, start, stop, tried)
    if byte == TICK:
        return CODE, _tick_close(i, stop, tried)
    return QUOTE, _curly_close(i, stop, tried) if is_mark(i, stop, CURLY_OPEN) else -1
