"""Classes of bytes, and the punctuation beyond ASCII that the scanner of masked words knows."""

import numpy as np
from numba import njit

from detector.profiles.bits import load8
from detector.profiles.layout import U8

BREAK, LETTER, DIGIT, SCRIPT_BYTE, OPENING = range(5)
DOT, COMMA, AT, COLON, SLASH, APOSTROPHE, TICK, DOUBLE_QUOTE, FEED, SPACE = (ord(c) for c in ".,@:/'`\"\n ")
CURLY_APOSTROPHE, CURLY_OPEN, CURLY_CLOSE = 0x99, 0x9C, 0x9D  # last bytes of ’ “ ”, all of which start with E2 80
_ASCII = 0x80

# UTF-8 of general punctuation (dashes, curly quotes, ellipsis: E2 80 ..), of CJK punctuation (E3 80 ..) and of the
# fixed space (C2 A0).
_GENERAL, _CJK, _LATIN, _BLOCK, _FIXED_SPACE = 0xE2, 0xE3, 0xC2, 0x80, 0xA0


def _classes() -> U8:
    table = np.full(256, BREAK, np.uint8)
    for byte in range(256):
        char = chr(byte)
        if byte >= _ASCII:
            table[byte] = SCRIPT_BYTE
        elif char.isdigit():
            table[byte] = DIGIT
        elif char.isalpha() or char == "_":
            table[byte] = LETTER
        elif char in "\"'`":
            table[byte] = OPENING
    return table


CLASS = _classes()
# A byte as a word's hash takes it, and as the hash of a whole text does.
SMALL = np.array([ord(chr(b).lower()) if b < _ASCII else b for b in range(256)], np.uint64)
# What ends a run of letters, whatever follows it.
ENDS_LETTERS = np.array([b < _ASCII and not chr(b).isalnum() and chr(b) not in "_.'@:/" for b in range(256)], np.bool_)
ENDS_URL = np.array([chr(b) in "\"'`<>()[]{}|" or b <= SPACE for b in range(256)], np.bool_)


@njit(cache=True)
def wordlike(i: int, stop: int) -> bool:
    """Whether the byte at `i` is a letter, a digit, an underscore or beyond ASCII."""
    return bool(i < stop and BREAK < CLASS[load8(i)] < OPENING)


@njit(cache=True)
def joined(i: int, stop: int) -> bool:
    """Whether a word goes on at `i`."""
    return wordlike(i, stop) and mark(i, stop) == 0


@njit(cache=True)
def mark(i: int, stop: int) -> int:
    """Bytes of the non-ASCII punctuation that starts at `i`, 0 where there is none."""
    if i + 1 >= stop:
        return 0
    if (load8(i) == _GENERAL or load8(i) == _CJK) and load8(i + 1) == _BLOCK:
        return min(3, stop - i)
    return 2 if load8(i) == _LATIN and load8(i + 1) == _FIXED_SPACE else 0


@njit(cache=True)
def is_mark(i: int, stop: int, third: int) -> bool:
    """Whether the punctuation E2 80 `third` starts at `i`."""
    return bool(i + 2 < stop and load8(i) == _GENERAL and load8(i + 1) == _BLOCK and load8(i + 2) == third)
