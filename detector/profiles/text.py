"""Text digests: one pass over the Arrow bytes of a batch, after which the texts are not needed any more."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

from detector.profiles.capability import CapabilityModel
from detector.profiles.hashing import buffers, mix64
from detector.profiles.layout import F32, I32, I64, N_CAPABILITIES, U8, U32, U64
from detector.profiles.tokens import MOST_WORDS, words_of

EDGE = 8  # words of a prefix and a suffix
SHINGLE = 4
LEXICAL_WORDS = 32
TOPIC_LETTERS = 6

_SPACE = 32
_A, _B, _C = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)
_PRIME = np.uint64(0x100000001B3)
_ALL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_HIGH, _ODD = np.uint64(32), np.uint64(1)


@dataclass(frozen=True)
class TextDigest:
    """What is kept of n prompts and system prompts; hashes are keyed.

    Attributes:
        prompt_hash: u64[n] of the prompt, white space and case ignored; 0 for null.
        skeleton_hash: u64[n] of all masked words.
        system_hash: u64[n], the same of the system prompt; 0 for null.
        prefix_hash, suffix_hash: u32[n] of the first and last eight masked words, 0 for shorter texts.
        shingles, shingle_offsets: the masked 4-word shingle with the smallest hash of each prompt (a min-hash, Broder 1997: the same
            piece of a template is chosen again and again).
        lex_bins, lex_offsets: bins of the first 32 words.
        topic: u8[n], bucket 0–63 of the long word with the smallest hash.
        capability: u8[n, 8], probabilities × 255.
        words: i32[n], masked words of the prompt.
    """

    prompt_hash: U64
    skeleton_hash: U64
    system_hash: U64
    prefix_hash: U32
    suffix_hash: U32
    shingles: U32
    shingle_offsets: I64
    lex_bins: U8
    lex_offsets: I64
    topic: U8
    capability: U8
    words: I32


@njit(cache=True)
def _plain(data: U8, start: int, stop: int, key: int) -> int:
    # The whole prompt without white space and in lower case, whatever its length.
    h = np.uint64(key)
    for i in range(start, stop):
        byte = data[i]
        if byte <= _SPACE:
            continue
        if 65 <= byte <= 90:  # noqa: PLR2004 - capitals
            byte |= np.uint8(32)
        h = (h ^ np.uint64(byte)) * _PRIME
    h = mix64(h ^ _ODD)
    return h if h != 0 else _PRIME


@njit(cache=True)
def _fold(words: U64, start: int, stop: int, key: int) -> int:
    h = np.uint64(key)
    for j in range(start, stop):
        h = mix64(h ^ words[j])
    return h if h != 0 else _PRIME


@njit(cache=True)
def _rarest_shingle(words: U64, n: int, key: int) -> int:
    least = _ALL
    for j in range(SHINGLE - 1, n):
        h = mix64(words[j] + words[j - 1] * _A + words[j - 2] * _B + words[j - 3] * _C + np.uint64(key))
        least = min(least, h)
    return least


@njit(cache=True)
def _capability(words: U64, n: int, weights: F32, sums: F32) -> None:
    mask, last = np.uint64(weights.shape[0] - 1), np.uint64(0)
    for j in range(n):
        one, two = words[j] & mask, ((words[j] + last * _A) >> np.uint64(20)) & mask
        for k in range(N_CAPABILITIES):
            sums[k] += weights[one, k] + weights[two, k]
        last = words[j]


@njit(cache=True)
def _vocabulary(words: U64, lengths: U8, n: int, lexical: U8) -> tuple[int, int]:
    # Bins of the first plain words, and the bucket of the rarest long one.
    used, rare = 0, _ALL
    for j in range(n):
        if lengths[j] == 0:
            continue
        if used < LEXICAL_WORDS:
            lexical[used] = np.uint8((words[j] >> np.uint64(40)) & np.uint64(31))
            used += 1
        if lengths[j] >= TOPIC_LETTERS:
            rare = min(rare, words[j])
    return used, np.uint8((rare >> np.uint64(3)) & np.uint64(63))


@njit(cache=True, nogil=True)
def _digest(
    prompt: U8,
    prompt_at: I64,
    prompt_valid: npt.NDArray[np.bool_],
    system: U8,
    system_at: I64,
    system_valid: npt.NDArray[np.bool_],
    key: int,
    weights: F32,
    bias: F32,
    hashes: U64,
    short: U32,
    lexical: U8,
    lengths: I64,
    topic: U8,
    capability: U8,
    words: I32,
) -> None:
    w, l = np.empty(MOST_WORDS, np.uint64), np.empty(MOST_WORDS, np.uint8)
    sums = np.empty(N_CAPABILITIES, np.float32)
    for i in range(words.shape[0]):
        sums[:] = np.float32(0.0)
        total = 0
        if system_valid[i]:
            n = words_of(system, system_at[i], system_at[i + 1], w, l)
            hashes[i, 2] = _fold(w, 0, n, key)
            _capability(w, n, weights, sums)
            total += n
        if prompt_valid[i]:
            hashes[i, 0] = _plain(prompt, prompt_at[i], prompt_at[i + 1], key)
            n = words_of(prompt, prompt_at[i], prompt_at[i + 1], w, l)
            hashes[i, 1] = _fold(w, 0, n, key)
            _capability(w, n, weights, sums)
            lengths[i], topic[i] = _vocabulary(w, l, n, lexical[i])
            words[i] = n
            total += n
            if n >= EDGE:
                short[i, 0] = np.uint32(_fold(w, 0, EDGE, key) >> _HIGH) | np.uint32(1)
                short[i, 1] = np.uint32(_fold(w, n - EDGE, n, ~np.uint64(key)) >> _HIGH) | np.uint32(1)
            if n >= SHINGLE:
                short[i, 2] = np.uint32(mix64(_rarest_shingle(w, n, key)) >> _HIGH) | np.uint32(1)
        scale = np.float32(1.0 / np.sqrt(max(total, 1)))
        for k in range(N_CAPABILITIES):
            capability[i, k] = np.uint8(255.0 / (1.0 + np.exp(-(bias[k] + sums[k] * scale))))


def digest_text(prompt: pl.Series, system: pl.Series, key: int, model: CapabilityModel) -> TextDigest:
    """Hashes, samples and capability of each exchange's texts.

    Args:
        prompt: n last user turns.
        system: n system prompts.
        key: secret of what is kept.
        model: capability weights over the same words.
    """
    n = prompt.len()
    hashes, short = np.zeros((n, 3), np.uint64), np.zeros((n, 3), np.uint32)
    lexical, lengths = np.zeros((n, LEXICAL_WORDS), np.uint8), np.zeros(n, np.int64)
    topic, capability, words = np.zeros(n, np.uint8), np.zeros((n, N_CAPABILITIES), np.uint8), np.zeros(n, np.int32)
    if n:
        text = (*buffers(prompt), *buffers(system), np.uint64(key), model.weights, model.bias)
        _digest(*text, hashes, short, lexical, lengths, topic, capability, words)
    known = short[:, 2] != 0
    return TextDigest(
        prompt_hash=hashes[:, 0].copy(),
        skeleton_hash=hashes[:, 1].copy(),
        system_hash=hashes[:, 2].copy(),
        prefix_hash=short[:, 0].copy(),
        suffix_hash=short[:, 1].copy(),
        shingles=short[known, 2],
        shingle_offsets=np.concatenate([[0], np.cumsum(known)]).astype(np.int64),
        lex_bins=lexical[np.arange(LEXICAL_WORDS) < lengths[:, None]],
        lex_offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        topic=topic,
        capability=capability,
        words=words,
    )


@njit(cache=True)
def _trace(data: U8, at: I64, valid: npt.NDArray[np.bool_], buckets: int, out: U32, ends: I64) -> None:
    w, l = np.empty(MOST_WORDS, np.uint64), np.empty(MOST_WORDS, np.uint8)
    mask, used = np.uint64(buckets - 1), 0
    for i in range(valid.shape[0]):
        if valid[i]:
            last = np.uint64(0)
            for j in range(words_of(data, at[i], at[i + 1], w, l)):
                out[used] = w[j] & mask
                out[used + 1] = ((w[j] + last * _A) >> np.uint64(20)) & mask
                used += 2
                last = w[j]
        ends[i] = used


def trace_buckets(texts: pl.Series, buckets: int) -> tuple[U32, I64]:
    """Hashed words and word pairs of each text, as the capability model sees them; for training.

    Args:
        texts: n strings.
        buckets: rows of the weights, a power of two.

    Returns:
        u32[tokens] buckets and i64[n + 1] offsets.
    """
    data, at, valid = buffers(texts)
    out, ends = np.zeros(2 * data.size + 2, np.uint32), np.zeros(texts.len(), np.int64)
    _trace(data, at, valid, buckets, out, ends)
    offsets = np.concatenate([[0], ends]).astype(np.int64)
    return out[: offsets[-1]], offsets
