"""Masked words of a text in one pass over its bytes: what varies between uses of a template is masked before hashing.

Words are runs of ASCII letters, lower-cased, and of other scripts' bytes; a script without spaces is cut every
`SCRIPT` bytes, at a character. Masked are words with digits, quoted strings, code between back-ticks, addresses (with
a scheme, an at-sign or a dotted host before a slash), and slots: dotted names and words of more than `LONGEST` bytes.
Equal masks in a row count once, so that a list of three numbers is like one of five. Punctuation and line breaks only
separate.

At most the first `HEAD` and the last `TAIL` bytes of a text are read, so that one long document cannot cost more than
many short ones.
"""

import numpy as np
from numba import njit

from detector.profiles.bits import load8, load64, mix64, mum, small_letters, trailing_zeros
from detector.profiles.characters import (
    APOSTROPHE,
    AT,
    BREAK,
    CLASS,
    COLON,
    COMMA,
    CURLY_APOSTROPHE,
    DIGIT,
    DOT,
    ENDS_LETTERS,
    ENDS_URL,
    LETTER,
    OPENING,
    SCRIPT_BYTE,
    SLASH,
    SMALL,
    is_mark,
    joined,
    mark,
)
from detector.profiles.layout import I64, U8, U64
from detector.profiles.quotes import NUM, SLOT, URL, slot

HEAD, TAIL = 6144, 2048
MOST_WORDS = HEAD + TAIL  # a word has at least one byte
LONGEST = 24
SCRIPT = 12

_EIGHT = 8  # bytes of a u64
_WORD_START, _WORD_STEP = np.uint64(0x2D358DCCAA6C78A5), np.uint64(0x8BB84B93962EACC9)
_TOPS = np.uint64(0x8080808080808080)
_CONTINUES, _LEADS = 0x80, 0xC0  # of UTF-8: the upper two bits of a byte that does not start a character
_HAS_DIGIT, _HAS_DOT, _IS_URL = 1, 2, 4


@njit(cache=True, inline="always")
def _absorb(h: np.uint64, packed: np.uint64) -> np.uint64:
    return mum(h ^ packed, _WORD_STEP)


@njit(cache=True, inline="always")
def _finish(h: np.uint64, packed: np.uint64, length: int) -> np.uint64:
    return mix64(_absorb(h, packed) ^ np.uint64(length))


@njit(cache=True)
def _letters(i: int, stop: int) -> tuple[np.uint64, np.uint64, int]:
    """A run of ASCII letters, eight at a time: the hash of the full eights, the packed rest and the length so far."""
    h, length = _WORD_START, 0
    while i + length + _EIGHT <= stop:
        small, are = small_letters(load64(i + length))
        run = trailing_zeros(~are & _TOPS) >> 3
        if run < _EIGHT:
            return h, small & ((np.uint64(1) << np.uint64(8 * run)) - np.uint64(1)), length + run
        h = _absorb(h, small)
        length += _EIGHT
    return h, np.uint64(0), length


@njit(cache=True)
def _joint(i: int, start: int, stop: int, seen: int) -> tuple[int, int]:
    """How `i` holds the word from `start` together: bytes to skip (0: it does not), and what the word then has."""
    byte = load8(i)
    if byte == DOT or byte == APOSTROPHE or byte == AT:  # noqa: PLR1714, SIM109 - a set is slower in a kernel
        has = _HAS_DOT if byte == DOT else _IS_URL if byte == AT else 0
        return int(joined(i + 1, stop)), has
    if byte == COMMA:
        digits = i > start and i + 1 < stop and CLASS[load8(i - 1)] == DIGIT == CLASS[load8(i + 1)]
        return int(digits), 0
    if byte == COLON:
        return int(i + 2 < stop and load8(i + 1) == SLASH == load8(i + 2)), _IS_URL
    if byte == SLASH:
        return int(seen == _HAS_DOT), _IS_URL
    return 3 * int(is_mark(i, stop, CURLY_APOSTROPHE) and joined(i + 3, stop)), 0


@njit(cache=True)
def _taken(i: int, stop: int, script: int) -> int:
    """The class of the byte at `i` if the word takes it, else 0; `script` counts its bytes beyond ASCII so far."""
    kind = CLASS[load8(i)]
    if kind < SCRIPT_BYTE:
        return int(kind)
    cut = script >= SCRIPT and load8(i) & _LEADS != _CONTINUES
    return SCRIPT_BYTE if kind == SCRIPT_BYTE and not cut and mark(i, stop) == 0 else 0


@njit(cache=True)
def _word(start: int, stop: int, h: np.uint64, packed: np.uint64, length: int) -> tuple[np.uint64, int, int]:
    """The word at `start`, of which `_letters` has read the beginning: hash or mask, length (0 for a mask), end.

    The hash takes the bytes that are no joints, eight at a time with the first lowest, then their number.
    """
    i, seen, script = start + length, 0, 0
    while i < stop:
        kind = _taken(i, stop, script)
        if kind > 0:
            seen |= int(kind == DIGIT)
            script += int(kind == SCRIPT_BYTE)
            packed |= SMALL[load8(i)] << np.uint64(8 * (length & 7))
            length += 1
            i += 1
            if length & 7 == 0:
                h, packed = _absorb(h, packed), np.uint64(0)
            continue
        skip, found = _joint(i, start, stop, seen)
        if skip == 0:
            break
        seen |= found
        i += skip
        if found == _IS_URL:
            while i < stop and not ENDS_URL[load8(i)]:
                i += 1
            return URL, 0, i
    if seen & _HAS_DIGIT:
        return NUM, 0, i
    if seen & _HAS_DOT or length > LONGEST:
        return SLOT, 0, i
    return _finish(h, packed, length), length, i


@njit(cache=True)
def _plain(i: int, stop: int) -> tuple[np.uint64, int, int]:
    """The word at the letter at `i`, as `_word` gives it; most end where their letters do."""
    h, packed, length = _letters(i, stop)
    end = i + length
    if 0 < length <= LONGEST and (end == stop or ENDS_LETTERS[load8(end)]):
        return _finish(h, packed, length), length, end
    return _word(i, stop, h, packed, length)


@njit(cache=True)
def _other(i: int, stop: int, start: int, tried: I64) -> tuple[np.uint64, int, int]:
    """The word or mask at what is no letter at `i`: hash, length (0 for a mask, −1 where there is none) and end."""
    kind = CLASS[load8(i)]
    size = mark(i, stop) if kind == SCRIPT_BYTE else 0
    if kind == OPENING or size > 0:
        word, end = slot(i, start, stop, tried)
        return word, 0 if end > 0 else -1, max(end, i + max(size, 1))
    return _word(i, stop, _WORD_START, np.uint64(0), 0)


@njit(cache=True)
def tokenise(start: int, stop: int, words: U64, lengths: U8, n: int, tried: I64) -> int:
    """Append the masked words of a text.

    Args:
        start: address of its first byte.
        stop: address after its last.
        words: u64[MOST_WORDS], receives the hash of each word, or its mask; no key, so that capability weights can
            ship.
        lengths: u8[MOST_WORDS], receives the bytes of each word, 0 for a mask.
        n: words there already.
        tried: i64[SEARCHES], scratch.

    Returns:
        Words there now.
    """
    tried[:] = 0
    i = start
    while i < stop:
        kind = CLASS[load8(i)]
        if kind == BREAK:
            i += 1
            continue
        if kind == LETTER:
            word, length, i = _plain(i, stop)
        else:
            word, length, i = _other(i, stop, start, tried)
        if length > 0 or (length == 0 and (n == 0 or words[n - 1] != word)):
            words[n] = word
            lengths[n] = length
            n += 1
    return n


@njit(cache=True)
def words_of(start: int, stop: int, words: U64, lengths: U8, tried: I64) -> int:
    """Masked words of a whole text within the bound; arguments as of `tokenise`."""
    if stop - start <= HEAD + TAIL:
        return tokenise(start, stop, words, lengths, 0, tried)
    n = tokenise(start, start + HEAD, words, lengths, 0, tried)
    return tokenise(stop - TAIL, stop, words, lengths, n, tried)
