"""Masked words of a text in one pass over its bytes: what varies between uses of one template is masked before it is hashed.

Words are runs of ASCII letters, lower-cased, and of other scripts' bytes; a script without spaces is cut every `SCRIPT` bytes, at
a character. Masked are words with digits, quoted strings, code between back-ticks, addresses (with a scheme, an at-sign or a
dotted host before a slash), and slots: dotted names and words of more than `LONGEST` bytes. Equal masks in a row count once, so
that a list of three numbers is like one of five. Punctuation and line breaks only separate.

At most the first `HEAD` and the last `TAIL` bytes of a text are read, so that one long document cannot cost more than many short
ones.
"""

import numpy as np
from numba import njit

from detector.profiles.bits import load8, load64, mix64, mum, small_letters, trailing_zeros
from detector.profiles.layout import I64, U8, U64

HEAD, TAIL = 6144, 2048
MOST_WORDS = HEAD + TAIL  # a word has at least one byte
LONGEST = 24
SCRIPT = 12
QUOTED = 512  # bytes of the longest double-quoted string that is taken for a slot
SINGLE = 120  # the same between apostrophes, which are more often no quotes
INLINE = 256  # the same between single back-ticks

MASKS = ("num", "quote", "code", "url", "slot")
NUM, QUOTE, CODE, URL, SLOT = (np.uint64(0x5851F42D4C957F2D * k & 0xFFFF_FFFF_FFFF_FFFF) for k in range(1, 6))

# Classes of bytes.
_BREAK, _LETTER, _DIGIT, _SCRIPT, _OPEN = 0, 1, 2, 3, 4
# Where the searches for each closing mark have looked in vain: they never look there again, so that a text of opening marks
# costs no more than another.
_DOUBLE, _APOSTROPHE, _TICK_MARK, _CURLY, _FENCE = range(5)
SEARCHES = 5

_DOT, _COMMA, _AT, _COLON, _SLASH, _APOS, _TICK, _DQUOTE, _FEED = (ord(c) for c in ".,@:/'`\"\n")
_ENDS_URL = np.array([chr(b) in "\"'`<>()[]{}|" or b <= ord(" ") for b in range(256)], np.bool_)
# What can neither be in a word nor hold one together, whatever follows.
_ENDS_WORD = np.array([b < 0x80 and not chr(b).isalnum() and chr(b) not in "_.,'@:/" for b in range(256)], np.bool_)
_SPACE = ord(" ")
_WORD_START, _WORD_STEP = np.uint64(0x2D358DCCAA6C78A5), np.uint64(0x8BB84B93962EACC9)
_TOPS = np.uint64(0x8080808080808080)
# UTF-8 of general punctuation (dashes, curly quotes, ellipsis: E2 80 ..), of CJK punctuation (E3 80 ..) and of the fixed space (C2 A0).
_E2, _E3, _C2, _80, _A0, _9C, _9D, _99 = 0xE2, 0xE3, 0xC2, 0x80, 0xA0, 0x9C, 0x9D, 0x99
_CONTINUES, _LEADS = 0x80, 0xC0
_HAS_DIGIT, _HAS_DOT, _IS_URL = 1, 2, 4


def _classes() -> U8:
    table = np.full(256, _BREAK, np.uint8)
    for byte in range(256):
        char = chr(byte)
        if byte > 0x7F:  # noqa: PLR2004 - beyond ASCII
            table[byte] = _SCRIPT
        elif char.isdigit():
            table[byte] = _DIGIT
        elif char.isalpha() or char == "_":
            table[byte] = _LETTER
        elif char in "\"'`":
            table[byte] = _OPEN
    return table


_CLASS = _classes()
_LOWER = np.array([ord(chr(b).lower()) if b < 0x80 else b for b in range(256)], np.uint64)  # noqa: PLR2004 - ASCII


@njit(cache=True)
def _wordlike(data: U8, i: int, stop: int) -> bool:
    return bool(i < stop and _BREAK < _CLASS[load8(data, i)] < _OPEN)


@njit(cache=True)
def _joined(data: U8, i: int, stop: int) -> bool:
    """Whether a word goes on at `i`."""
    return _wordlike(data, i, stop) and _mark(data, i, stop) == 0


@njit(cache=True)
def _mark(data: U8, i: int, stop: int) -> int:
    """Bytes of the non-ASCII punctuation that starts at `i`, 0 where there is none."""
    if i + 1 >= stop:
        return 0
    if (load8(data, i) == _E2 or load8(data, i) == _E3) and load8(data, i + 1) == _80:  # noqa: PLR1714 - Numba compiles this faster
        return min(3, stop - i)
    return 2 if load8(data, i) == _C2 and load8(data, i + 1) == _A0 else 0


@njit(cache=True)
def _is_mark(data: U8, i: int, stop: int, third: int) -> bool:
    return bool(i + 2 < stop and load8(data, i) == _E2 and load8(data, i + 1) == _80 and load8(data, i + 2) == third)


@njit(cache=True)
def _double_close(data: U8, i: int, stop: int, tried: I64) -> int:
    """End of the double-quoted string that starts at `i`, or −1; a blank line ends the search."""
    j = max(i + 1, tried[_DOUBLE])
    last = min(stop, i + 1 + QUOTED)
    while j < last:
        if load8(data, j) == _DQUOTE:
            return j + 1
        if load8(data, j) == _FEED and j + 1 < stop and load8(data, j + 1) == _FEED:
            return -1
        j += 1
    tried[_DOUBLE] = j
    return -1


@njit(cache=True)
def _single_close(data: U8, i: int, start: int, stop: int, tried: I64) -> int:
    """End of the single-quoted string that starts at `i`, or −1: it opens before a word, closes after one, keeps to its line."""
    if (i > start and _wordlike(data, i - 1, stop)) or i + 1 >= stop or load8(data, i + 1) <= _SPACE:
        return -1
    j = max(i + 2, tried[_APOSTROPHE])
    last = min(stop, i + 2 + SINGLE)
    while j < last and load8(data, j) != _FEED:
        if load8(data, j) == _APOS and load8(data, j - 1) > _SPACE and not _wordlike(data, j + 1, stop):
            return j + 1
        j += 1
    tried[_APOSTROPHE] = j
    return -1


@njit(cache=True)
def _tick_close(data: U8, i: int, stop: int, tried: I64) -> int:
    """End of the code that starts at `i`, fenced or within its line, or −1."""
    if i + 2 < stop and load8(data, i + 1) == _TICK and load8(data, i + 2) == _TICK:
        if tried[_FENCE] > 0:
            return -1
        for j in range(i + 3, stop - 2):
            if load8(data, j) == _TICK and load8(data, j + 1) == _TICK and load8(data, j + 2) == _TICK:
                return j + 3
        tried[_FENCE] = 1
        return -1
    j = max(i + 1, tried[_TICK_MARK])
    last = min(stop, i + 1 + INLINE)
    while j < last and load8(data, j) != _FEED:
        if load8(data, j) == _TICK:
            return j + 1
        j += 1
    tried[_TICK_MARK] = j
    return -1


@njit(cache=True)
def _curly_close(data: U8, i: int, stop: int, tried: I64) -> int:
    """End of the string in curly quotes that starts at `i`, or −1."""
    j = max(i + 3, tried[_CURLY])
    last = min(stop, i + 3 + QUOTED)
    while j < last:
        if _is_mark(data, j, stop, _9D):
            return j + 3
        j += 1
    tried[_CURLY] = j
    return -1


@njit(cache=True)
def _joint(data: U8, i: int, start: int, stop: int, seen: int) -> tuple[int, int]:
    """How what stands at `i` holds a word together: bytes to skip (0: it does not) and what the word then has."""
    byte = load8(data, i)
    if byte == _DOT and _joined(data, i + 1, stop):
        return 1, _HAS_DOT
    if byte == _APOS and _joined(data, i + 1, stop):
        return 1, 0
    if (
        byte == _COMMA
        and i > start
        and i + 1 < stop
        and _CLASS[load8(data, i - 1)] == _DIGIT == _CLASS[load8(data, i + 1)]
    ):
        return 1, 0
    if byte == _AT and _joined(data, i + 1, stop):
        return 1, _IS_URL
    if byte == _COLON and i + 2 < stop and load8(data, i + 1) == _SLASH and load8(data, i + 2) == _SLASH:
        return 1, _IS_URL
    if byte == _SLASH and seen & _HAS_DOT and not seen & _HAS_DIGIT:
        return 1, _IS_URL
    if _is_mark(data, i, stop, _99) and _joined(data, i + 3, stop):
        return 3, 0
    return 0, 0


@njit(cache=True, inline="always")
def _absorb(h: np.uint64, packed: np.uint64) -> np.uint64:
    return mum(h ^ packed, _WORD_STEP)


@njit(cache=True)
def _letters(data: U8, i: int, stop: int) -> tuple[np.uint64, np.uint64, int]:
    """A run of ASCII letters, eight at a time: hash of the full eights, the packed rest and the length so far."""
    h, length = _WORD_START, 0
    while i + length + 8 <= data.shape[0]:
        small, are = small_letters(load64(data, i + length))
        run = min(trailing_zeros(~are & _TOPS) >> 3, stop - i - length)
        if run < 8:  # noqa: PLR2004 - bytes of a word
            return h, small & ((np.uint64(1) << np.uint64(8 * run)) - np.uint64(1)), length + run
        h = _absorb(h, small)
        length += 8
    return h, np.uint64(0), length


@njit(cache=True)
def _word(data: U8, start: int, stop: int) -> tuple[np.uint64, int, int]:
    """The word that starts at `start`: its hash or mask, its length (0 for a mask) and its end.

    The hash takes the bytes that are no joints, eight at a time with the first lowest, then their number.
    """
    h, packed, length = _letters(data, start, stop)
    i, seen, script = start + length, 0, 0
    while i < stop:
        byte = load8(data, i)
        kind = _CLASS[byte]
        if _ENDS_WORD[byte]:
            break
        if kind == _LETTER or kind == _DIGIT or (kind == _SCRIPT and _mark(data, i, stop) == 0):
            if kind == _SCRIPT:
                if script >= SCRIPT and byte & _LEADS != _CONTINUES:
                    break
                script += 1
            else:
                seen |= kind >> 1
            packed |= _LOWER[byte] << np.uint64(8 * (length & 7))
            length += 1
            i += 1
            if length & 7 == 0:
                h = _absorb(h, packed)
                packed = np.uint64(0)
            continue
        skip, found = _joint(data, i, start, stop, seen)
        if skip == 0:
            break
        seen |= found
        i += skip
        if found == _IS_URL:
            while i < stop and not _ENDS_URL[load8(data, i)]:
                i += 1
            return URL, 0, i
    if seen & _HAS_DIGIT:
        return NUM, 0, i
    if seen & _HAS_DOT or length > LONGEST:
        return SLOT, 0, i
    return mix64(_absorb(h, packed) ^ np.uint64(length)), length, i


@njit(cache=True)
def _slot(data: U8, i: int, start: int, stop: int, tried: I64) -> tuple[np.uint64, int]:
    """The mask and the end of the quotation or code that starts at `i`; the end is −1 where none does."""
    byte = load8(data, i)
    if byte == _DQUOTE:
        return QUOTE, _double_close(data, i, stop, tried)
    if byte == _APOS:
        return QUOTE, _single_close(data, i, start, stop, tried)
    if byte == _TICK:
        return CODE, _tick_close(data, i, stop, tried)
    return QUOTE, _curly_close(data, i, stop, tried) if _is_mark(data, i, stop, _9C) else -1


@njit(cache=True)
def tokenise(data: U8, start: int, stop: int, words: U64, lengths: U8, n: int, tried: I64) -> int:
    """Append the masked words of `data[start:stop]`.

    Args:
        data: bytes.
        start: where to begin.
        stop: where to end.
        words: u64[MOST_WORDS], receives the hash of each word, or its mask; without a key, so that capability weights can ship.
        lengths: u8[MOST_WORDS], receives the bytes of each word, 0 for a mask.
        n: words there already.
        tried: i64[SEARCHES], scratch.

    Returns:
        Words there now.
    """
    tried[:] = 0
    i = start
    while i < stop:
        kind = _CLASS[load8(data, i)]
        if kind == _BREAK:
            i += 1
            continue
        mark = _mark(data, i, stop) if kind == _SCRIPT else 0
        if kind == _OPEN or mark > 0:
            word, end = _slot(data, i, start, stop, tried)
            if end < 0:
                i += max(mark, 1)
                continue
            length, i = 0, end
        else:
            word, length, i = _word(data, i, stop)
        if length == 0 and n > 0 and words[n - 1] == word:
            continue
        words[n] = word
        lengths[n] = length
        n += 1
    return n


@njit(cache=True)
def words_of(data: U8, start: int, stop: int, words: U64, lengths: U8, tried: I64) -> int:
    """Masked words of a whole text within the bound; arguments as of `tokenise`."""
    if stop - start <= HEAD + TAIL:
        return tokenise(data, start, stop, words, lengths, 0, tried)
    n = tokenise(data, start, start + HEAD, words, lengths, 0, tried)
    return tokenise(data, stop - TAIL, stop, words, lengths, n, tried)
