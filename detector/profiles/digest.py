"""The kernel behind `digest_text`: what is kept of each exchange's texts."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from detector.profiles.bits import blanks, load8, load64, lower, mix64, mum, spaced
from detector.profiles.characters import SMALL
from detector.profiles.hashing import StringColumn, fast_hash, nonzero
from detector.profiles.layout import F32, I32, I64, N_CAPABILITIES, U8, U32, U64
from detector.profiles.quotes import SEARCHES
from detector.profiles.tokens import HEAD, MOST_WORDS, TAIL, words_of

Flags = npt.NDArray[np.bool_]

EDGE = 8  # words of a prefix and of a suffix
NOTHING = 1  # words of a prompt that asks for nothing: blank, or what starts a dialogue
SHINGLE = 4  # words of a shingle
SAMPLED = 8  # one shingle in so many is a candidate, chosen by its content
LEXICAL_WORDS = 32
LEXICAL_BINS = 32
TOPIC_LETTERS = 6
TOPICS = 64

# Odd constants that set the uses of one hash apart.
_A, _B, _C = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)
_FOLD, _PROMPT, _SYSTEM = np.uint64(0xA0761D6478BD642F), np.uint64(0xE7037ED1A0B428DB), np.uint64(0x8EBC6AF09C88C6E3)
_PREFIX, _SUFFIX = np.uint64(0x589965CC75374CC3), np.uint64(0x1D8E4E27C47D124F)
_LOWEST_TOP = np.uint64(0x80)
_LEXICAL, _PAIR = np.uint64(0xD6E8FEB86659FD93), np.uint64(0xFF51AFD7ED558CCD)
_ALL, _HIGH = np.uint64(0xFFFF_FFFF_FFFF_FFFF), np.uint64(32)
_EVEN, _EIGHT, _LANE, _MOST_ROWS = np.uint64(0x00FF00FF00FF00FF), np.uint64(8), np.uint64(0xFFFF), 256
WEIGHT_ZERO = 128  # a packed weight is unsigned: this much stands for none
_SPACE = np.uint64(ord(" "))
_NORMAL = np.maximum(SMALL, _SPACE)
_FIXED_ONE = 255.0  # a probability of 1 in a byte


class Scratch(NamedTuple):
    """Arrays of one thread's work.

    Attributes:
        words: u64[MOST_WORDS] masked words of the text at hand.
        lengths: u8[MOST_WORDS] their bytes, 0 for a mask.
        tried: i64[SEARCHES].
        least: u32[most shingles], the smallest so far, sorted.
    """

    words: U64
    lengths: U8
    tried: I64
    least: U32


class Digests(NamedTuple):
    """Output of the kernel for n exchanges; shingles and bins are filled from the front, row after row.

    Attributes:
        prompt: u64[n].
        empty: bool[n].
        skeleton: u64[n].
        system: u64[n].
        prefix: u32[n].
        suffix: u32[n].
        shingles: u32[n * most shingles].
        shingle_offsets: i64[n + 1].
        bins: u8[n * LEXICAL_WORDS].
        bin_offsets: i64[n + 1].
        topic: u8[n].
        capability: u8[n, capabilities].
        words: i32[n], of the prompt.
        system_words: i32[n].
    """

    prompt: U64
    empty: Flags
    skeleton: U64
    system: U64
    prefix: U32
    suffix: U32
    shingles: U32
    shingle_offsets: I64
    bins: U8
    bin_offsets: I64
    topic: U8
    capability: U8
    words: I32
    system_words: I32


def scratch(most_shingles: int) -> Scratch:
    """Arrays for one thread."""
    return Scratch(
        np.empty(MOST_WORDS, np.uint64),
        np.empty(MOST_WORDS, np.uint8),
        np.empty(SEARCHES, np.int64),
        np.empty(most_shingles, np.uint32),
    )


@njit(cache=True)
def _normalised(start: int, stop: int, h: np.uint64) -> tuple[np.uint64, bool]:
    """Goes on with the hash of a text, ignoring case and amounts of white space; whether there was anything else.

    The hash takes the normal text eight bytes at a time, the first lowest, then its length. Eight bytes without two
    blanks in a row are made normal at once.
    """
    while stop > start and _NORMAL[load8(stop - 1)] == _SPACE:
        stop -= 1
    packed, count, blank, i = np.uint64(0), 0, True, start
    while i < stop:
        if i + 8 <= stop:
            x = load64(i)
            where = blanks(x)
            if where & (where << np.uint64(8) | (_LOWEST_TOP if blank else np.uint64(0))) == 0:
                x = spaced(lower(x), where)
                used = np.uint64(8 * (count & 7))
                h = mum(h ^ (packed | x << used), _FOLD)
                packed = x >> (np.uint64(64) - used) if used > 0 else np.uint64(0)
                count += 8
                blank = where >> np.uint64(63) != 0
                i += 8
                continue
        byte = _NORMAL[load8(i)]
        i += 1
        if byte == _SPACE and blank:
            continue
        blank = byte == _SPACE
        packed |= byte << np.uint64(8 * (count & 7))
        count += 1
        if count & 7 == 0:
            h = mum(h ^ packed, _FOLD)
            packed = np.uint64(0)
    return mum(h ^ packed, _FOLD ^ np.uint64(count)), count > 0


@njit(cache=True)
def _prompt_hash(start: int, stop: int, key: np.uint64) -> tuple[np.uint64, bool]:
    h = key ^ _PROMPT
    if stop - start <= HEAD + TAIL:
        h, some = _normalised(start, stop, h)
        return nonzero(mix64(h)), not some
    # Of a long text the middle is not read, but its length is known.
    h, some = _normalised(start, start + HEAD, h ^ np.uint64(stop - start))
    h, more = _normalised(stop - TAIL, stop, h)
    return nonzero(mix64(h)), not (some or more)


@njit(cache=True)
def _fold(words: U64, start: int, stop: int, key: np.uint64) -> np.uint64:
    h = key
    for j in range(start, stop):
        h = mum(h ^ words[j], _FOLD)
    return nonzero(mix64(h))


@njit(cache=True)
def _edge(words: U64, start: int, stop: int, key: np.uint64) -> np.uint32:
    short = np.uint32(_fold(words, start, stop, key) >> _HIGH)
    return max(short, np.uint32(1))


@njit(cache=True)
def _keep(least: U32, n: int, value: np.uint32) -> int:
    """Put a value among the smallest distinct ones so far, sorted; how many there are now."""
    j = n
    while j > 0 and least[j - 1] > value:
        j -= 1
    if (j > 0 and least[j - 1] == value) or j == least.shape[0]:
        return n
    n = min(n + 1, least.shape[0])
    for k in range(n - 1, j, -1):
        least[k] = least[k - 1]
    least[j] = value
    return n


@njit(cache=True)
def _shingles(words: U64, n: int, key: np.uint64, least: U32) -> int:
    if n < SHINGLE:
        return 0
    kept = 0
    one, two = words[0] + words[1] * _A, words[1] + words[2] * _A
    for j in range(SHINGLE - 1, n):
        three = words[j - 1] + words[j] * _A
        h = mum(one ^ key, three + _B)
        one, two = two, three
        if h & np.uint64(SAMPLED - 1) == 0:
            kept = _keep(least, kept, max(np.uint32(h >> _HIGH), np.uint32(1)))
    return kept


@njit(cache=True)
def _vocabulary(words: U64, lengths: U8, n: int, key: np.uint64, bins: U8, at: int) -> tuple[int, np.uint8]:
    """Bins of plain words spread evenly over the text, written from `at` on, and the bucket of the rarest long word."""
    stride, used = 1, 0
    while stride * LEXICAL_WORDS < n:
        stride *= 2
    for j in range(0, n, stride):
        if lengths[j] > 0:
            bins[at + used] = np.uint8((mum(words[j] ^ key, _FOLD) >> np.uint64(40)) & np.uint64(LEXICAL_BINS - 1))
            used += 1
    rare = _ALL
    for j in range(n):
        h = mum(words[j] ^ key, _FOLD)
        # No branch: which word is long is hard to predict.
        rare = min(rare, h if lengths[j] >= TOPIC_LETTERS else _ALL)
    if rare == _ALL:
        return used, np.uint8(0)
    return used, np.uint8(mix64(rare) & np.uint64(TOPICS - 1))


@njit(cache=True)
def single_bucket(word: np.uint64, mask: np.uint64) -> np.uint64:
    """Bucket of a word in the capability model."""
    return word & mask


@njit(cache=True)
def pair_bucket(before: np.uint64, word: np.uint64, mask: np.uint64) -> np.uint64:
    """Bucket of a pair of words in the capability model."""
    return ((before * _PAIR + word) * _A >> _HIGH) & mask


@njit(cache=True)
def _unpack(even: np.uint64, odd: np.uint64, rows: int, sums: I32) -> None:
    for k in range(0, N_CAPABILITIES, 2):
        shift = np.uint64(8 * k)
        sums[k] += np.int32((even >> shift) & _LANE) - WEIGHT_ZERO * rows
        sums[k + 1] += np.int32((odd >> shift) & _LANE) - WEIGHT_ZERO * rows


@njit(cache=True)
def _weigh(words: U64, n: int, packed: U64, sums: I32) -> None:
    """Add the weights of words and pairs: eight labels to a u64, summed in lanes of 16 bits, which hold 257 rows."""
    mask, even, odd, rows = np.uint64(packed.shape[0] - 1), np.uint64(0), np.uint64(0), 0
    for j in range(n):
        row = packed[single_bucket(words[j], mask)]
        even += row & _EVEN
        odd += row >> _EIGHT & _EVEN
        rows += 1
        if j > 0:
            row = packed[pair_bucket(words[j - 1], words[j], mask)]
            even += row & _EVEN
            odd += row >> _EIGHT & _EVEN
            rows += 1
        if rows >= _MOST_ROWS:
            _unpack(even, odd, rows, sums)
            even, odd, rows = np.uint64(0), np.uint64(0), 0
    _unpack(even, odd, rows, sums)


@njit(cache=True)
def _known(table: I64, hashes: U64, h: np.uint64) -> int:
    """Place of a hash in an open-addressing table: taken by it, or free."""
    mask = np.uint64(table.shape[0] - 1)
    place = mix64(h) & mask
    while table[place] >= 0 and hashes[table[place]] != h:
        place = (place + np.uint64(1)) & mask
    return int(place)


@njit(cache=True)
def _seen_hash(start: int, stop: int, key: np.uint64) -> np.uint64:
    if stop - start <= HEAD + TAIL:
        return fast_hash(start, stop, key)
    return fast_hash(stop - TAIL, stop, fast_hash(start, start + HEAD, key))


@njit(cache=True, nogil=True)
def digest_systems(
    column: StringColumn, key: np.uint64, weights: U64, work: Scratch, out: Digests, sums: npt.NDArray[np.int32]
) -> None:
    """Fill `system`, `system_words` and the sums of weights (i32[n, capabilities]) of each system prompt.

    A service sends the same system prompt again and again: each text is read once a batch.
    """
    n = out.system.shape[0]
    size = 16
    while size < 2 * n:
        size *= 2
    table, hashes = np.full(size, -1, np.int64), np.zeros(n, np.uint64)
    bounds = column.bounds
    for i in range(n):
        if column.null[i]:
            continue
        hashes[i] = _seen_hash(bounds[i], bounds[i + 1], key)
        place = _known(table, hashes, hashes[i])
        first = table[place]
        if first >= 0:
            out.system[i] = out.system[first]
            out.system_words[i] = out.system_words[first]
            sums[i] = sums[first]
            continue
        table[place] = i
        words = words_of(bounds[i], bounds[i + 1], work.words, work.lengths, work.tried)
        out.system[i] = _fold(work.words, 0, words, key ^ _SYSTEM)
        out.system_words[i] = words
        _weigh(work.words, words, weights, sums[i])


@njit(cache=True)
def _prompt(start: int, stop: int, key: np.uint64, work: Scratch, out: Digests, i: int) -> int:
    out.prompt[i], out.empty[i] = _prompt_hash(start, stop, key)
    words = words_of(start, stop, work.words, work.lengths, work.tried)
    out.words[i] = words
    out.empty[i] |= words <= NOTHING
    if words > 0:
        out.skeleton[i] = _fold(work.words, 0, words, key)
    if words >= EDGE:
        out.prefix[i] = _edge(work.words, 0, EDGE, key ^ _PREFIX)
        out.suffix[i] = _edge(work.words, words - EDGE, words, key ^ _SUFFIX)
    at = out.shingle_offsets[i]
    kept = _shingles(work.words, words, key, work.least)
    out.shingles[at : at + kept] = work.least[:kept]
    out.shingle_offsets[i + 1] = at + kept
    at = out.bin_offsets[i]
    used, out.topic[i] = _vocabulary(work.words, work.lengths, words, key ^ _LEXICAL, out.bins, at)
    out.bin_offsets[i + 1] = at + used
    return words


@njit(cache=True, nogil=True)
def digest_prompts(
    column: StringColumn,
    key: np.uint64,
    weights: U64,
    scale: F32,
    logits: F32,
    work: Scratch,
    out: Digests,
    sums: npt.NDArray[np.int32],
) -> None:
    """Fill all that depends on the prompts; `logits` (f32[n or 1, capabilities]) is what is known before any word."""
    for i in range(out.prompt.shape[0]):
        out.shingle_offsets[i + 1] = out.shingle_offsets[i]
        out.bin_offsets[i + 1] = out.bin_offsets[i]
        total = out.system_words[i]
        if not column.null[i]:
            words = _prompt(column.bounds[i], column.bounds[i + 1], key, work, out, i)
            _weigh(work.words, words, weights, sums[i])
            total += words
        elif column.null[i] and total == 0:
            continue
        root = np.float32(1.0) / np.sqrt(np.float32(max(total, 1)))
        known = logits[min(i, logits.shape[0] - 1)]
        for k in range(N_CAPABILITIES):
            odds = np.exp(-(known[k] + np.float32(sums[i, k]) * scale[k] * root))
            out.capability[i, k] = np.uint8(np.float32(_FIXED_ONE) / (np.float32(1.0) + odds) + np.float32(0.5))


@njit(cache=True, nogil=True)
def trace(column: StringColumn, mask: np.uint64, work: Scratch, buckets: U32, words: I64, offsets: I64) -> None:
    """Buckets of each text as the model sees them, from the front of `buckets`; `words` gets their numbers."""
    used = 0
    for i in range(words.shape[0]):
        if not column.null[i]:
            n = words_of(column.bounds[i], column.bounds[i + 1], work.words, work.lengths, work.tried)
            words[i] = n
            for j in range(n):
                buckets[used] = single_bucket(work.words[j], mask)
                used += 1
                if j > 0:
                    buckets[used] = pair_bucket(work.words[j - 1], work.words[j], mask)
                    used += 1
        offsets[i + 1] = used
