"""Masked words of a text in one pass over its bytes: what varies between uses of one template is masked before it is hashed.

Words are runs of ASCII letters, lower-cased, and of other scripts' bytes. Masked are words with digits, quoted strings, code between
back-ticks, addresses with a scheme or an at-sign, and words of more than `LONGEST` bytes; equal masks in a row count once. At most
the first `HEAD` and the last `TAIL` bytes of a text are read, so that one long document cannot cost more than many short ones.
"""

import numpy as np
from numba import njit

from detector.profiles.hashing import mix64
from detector.profiles.layout import U8, U64

HEAD, TAIL = 6144, 2048
LONGEST = 24
SCRIPT = 12  # bytes of a word in a script without spaces
QUOTED = 240  # longest quotation or inline code that is taken for a slot
NUMBER, QUOTE, CODE, ADDRESS, SLOT = (np.uint64(0x1111 * k) for k in range(1, 6))
MOST_WORDS = HEAD + TAIL  # of a text: a word has at least a byte, and so has what follows it

_QUOTE_BYTE, _TICK, _AT, _COLON, _SLASH = 34, 96, 64, 58, 47
_PRIME, _OFFSET = np.uint64(0x100000001B3), np.uint64(0xCBF29CE484222325)  # FNV-1a

@njit(cache=True, inline="always")
def _kind(byte: int) -> int:
    """0 for a separator, 1 for a letter, 2 for a digit, 3 for another script."""
    if 97 <= byte <= 122 or 65 <= byte <= 90:  # noqa: PLR2004 - ASCII letters
        return 1
    if 48 <= byte <= 57:  # noqa: PLR2004 - digits
        return 2
    if byte >= 128:  # noqa: PLR2004 - UTF-8 beyond ASCII
        return 3
    if byte in (95, 39):  # underscore and apostrophe hold words together
        return 1
    return 0


@njit(cache=True, inline="always")
def _put(words: U64, lengths: U8, n: int, word: int, length: int) -> int:
    # Equal masks in a row count once, so that a list of three numbers is like one of five.
    if length == 0 and n > 0 and words[n - 1] == word:
        return n
    words[n] = word
    lengths[n] = length
    return n + 1


@njit(cache=True)
def _closing(data: U8, start: int, stop: int, byte: int) -> int:
    """Position of the next `byte` within `QUOTED` bytes and the line, −1 where there is none."""
    for j in range(start, min(stop, start + QUOTED)):
        if data[j] == byte:
            return j
        if data[j] == 10:  # noqa: PLR2004 - line feed
            return -1
    return -1


@njit(cache=True)
def _fence(data: U8, start: int, stop: int) -> int:
    """Position after the closing fence of a code block, or the end."""
    for j in range(start, stop - 2):
        if data[j] == _TICK and data[j + 1] == _TICK and data[j + 2] == _TICK:
            return j + 3
    return stop


@njit(cache=True)
def _blank(data: U8, start: int, stop: int) -> int:
    """Position of the next white space."""
    j = start
    while j < stop and data[j] > 32:  # noqa: PLR2004 - space and control characters
        j += 1
    return j


@njit(cache=True)
def _slot(data: U8, i: int, stop: int) -> tuple[int, int]:
    """(mask, end) of a quotation or code that starts at `i`; end is `i` where there is none."""
    if data[i] == _QUOTE_BYTE:
        end = _closing(data, i + 1, stop, _QUOTE_BYTE)
        if end > 0:
            return QUOTE, end + 1
    elif data[i] == _TICK:
        if i + 2 < stop and data[i + 1] == _TICK and data[i + 2] == _TICK:
            return CODE, _fence(data, i + 3, stop)
        end = _closing(data, i + 1, stop, _TICK)
        if end > 0:
            return CODE, end + 1
    return SLOT, i


@njit(cache=True)
def tokenise(data: U8, start: int, stop: int, words: U64, lengths: U8, n: int) -> int:
    """Append the masked words of `data[start:stop]`.

    Args:
        data: bytes.
        start, stop: the part to read.
        words: u64[MOST_WORDS], receives the hash of each word, or its mask; the same everywhere, so that capability weights can ship.
        lengths: u8[MOST_WORDS], receives the bytes of each word, 0 for a mask.
        n: words there already.

    Returns:
        Words there now.
    """
    i = start
    while i < stop:
        kind = _kind(data[i])
        if kind == 0:
            byte = data[i]
            i += 1
            if byte in (_QUOTE_BYTE, _TICK):
                mask, end = _slot(data, i - 1, stop)
                if end >= i:
                    n = _put(words, lengths, n, mask, 0)
                    i = end
            continue
        h, begin, digits = _OFFSET, i, False
        script = kind == 3  # noqa: PLR2004 - another script
        while i < stop:
            kind = _kind(data[i])
            if kind == 0 or (script and i - begin >= SCRIPT and data[i] & 0xC0 != 0x80):  # noqa: PLR2004 - a new character
                break
            digits = digits or kind == 2  # noqa: PLR2004 - a digit
            byte = np.uint64(data[i])
            if 65 <= data[i] <= 90:  # noqa: PLR2004 - capitals
                byte |= np.uint64(32)
            h = (h ^ byte) * _PRIME
            i += 1
        if i < stop and (data[i] == _AT or (data[i] == _COLON and i + 2 < stop and data[i + 1] == _SLASH == data[i + 2])):
            i = _blank(data, i, stop)
            n = _put(words, lengths, n, ADDRESS, 0)
        elif digits:
            n = _put(words, lengths, n, NUMBER, 0)
        elif i - begin > LONGEST and not script:
            n = _put(words, lengths, n, SLOT, 0)
        else:
            n = _put(words, lengths, n, mix64(h), min(i - begin, LONGEST))
    return n


@njit(cache=True)
def words_of(data: U8, start: int, stop: int, words: U64, lengths: U8) -> int:
    """Masked words of a whole text within the bound; arguments as in `tokenise`."""
    if stop - start <= HEAD + TAIL:
        return tokenise(data, start, stop, words, lengths, 0)
    n = tokenise(data, start, start + HEAD, words, lengths, 0)
    return tokenise(data, stop - TAIL, stop, words, lengths, n)
