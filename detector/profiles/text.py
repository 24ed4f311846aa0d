"""Text digests: one pass over the Arrow bytes of a batch, after which the texts are not needed any more."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from detector.profiles.bits import mix64
from detector.profiles.capability import CapabilityModel
from detector.profiles.digest import LEXICAL_WORDS, Digests, digest_prompts, digest_systems, scratch, trace
from detector.profiles.hashing import key_words, string_column
from detector.profiles.layout import F32, I32, I64, N_CAPABILITIES, U8, U32, U64
from detector.profiles.skeletons import common_skeleton, skeleton_text
from detector.profiles.tokens import HEAD, TAIL

__all__ = ["MOST_SHINGLES", "TextDigest", "common_skeleton", "digest_text", "skeleton_text", "trace_buckets"]

MOST_SHINGLES = 32


@dataclass(frozen=True)
class TextDigest:
    """What is kept of n prompts and system prompts; all hashes are keyed, and 0 stands for null.

    Attributes:
        prompt_hash: u64[n] of the prompt, of which only case and amounts of white space are ignored.
        empty: bool[n], a prompt that asks for nothing: at most one word; false for null.
        skeleton_hash: u64[n] of the prompt's masked words; 0 also where there are none.
        system_hash: u64[n] of the system prompt's masked words.
        prefix_hash: u32[n] of the first eight masked words of the prompt; 0 where there are fewer.
        suffix_hash: u32[n] of the last eight.
        shingles: u32[m], of each prompt the distinct shingles of four masked words that a content-defined sample (1 in
            8)
            takes, smallest hashes first: a wrapper's shingles are found again whatever fills its slots (Broder 1997;
                Schleimer,
            Wilkerson and Aiken 2003).
        shingle_offsets: i64[n+1].
        lex_bins: u8[k], 0–31, of at most 32 words spread evenly over each prompt.
        lex_offsets: i64[n+1].
        topic: u8[n], bucket 0–63 of the word of more than five letters with the smallest hash.
        capability: u8[n, 8], probability × 255, from prompt and system prompt; 0 where there is neither.
        words: i32[n], masked words of the prompt.
        system_words: i32[n], of the system prompt.
    """

    prompt_hash: U64
    empty: npt.NDArray[np.bool_]
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
    system_words: I32


def _blank(n: int, most_shingles: int) -> Digests:
    return Digests(
        prompt=np.zeros(n, np.uint64),
        empty=np.zeros(n, np.bool_),
        skeleton=np.zeros(n, np.uint64),
        system=np.zeros(n, np.uint64),
        prefix=np.zeros(n, np.uint32),
        suffix=np.zeros(n, np.uint32),
        shingles=np.empty(n * most_shingles, np.uint32),
        shingle_offsets=np.zeros(n + 1, np.int64),
        bins=np.empty(n * LEXICAL_WORDS, np.uint8),
        bin_offsets=np.zeros(n + 1, np.int64),
        topic=np.zeros(n, np.uint8),
        capability=np.zeros((n, N_CAPABILITIES), np.uint8),
        words=np.zeros(n, np.int32),
        system_words=np.zeros(n, np.int32),
    )


def digest_text(
    prompt: pl.Series,
    system: pl.Series,
    key: int,
    model: CapabilityModel,
    *,
    request: F32 | None = None,
    most_shingles: int = MOST_SHINGLES,
) -> TextDigest:
    """Hashes, samples and capability of each exchange's texts.

    At most the first 6 KiB and the last 2 KiB of a text are read.

    Args:
        prompt: n last user turns.
        system: n system prompts.
        key: up to 128 secret bits for all that is kept.
        model: capability weights over the same words.
        request: f32[n, 8], what the request's parameters say (`CapabilityModel.request_term`); none by default.
        most_shingles: shingles kept a prompt.
    """
    n = prompt.len()
    low, high = key_words(key)
    secret = np.uint64(mix64(low ^ np.uint64(mix64(high))))
    out, work = _blank(n, most_shingles), scratch(most_shingles)
    sums = np.zeros((n, N_CAPABILITIES), np.int32)
    logits = model.bias[None, :] if request is None else model.bias + request.astype(np.float32)
    digest_systems(string_column(system), secret, model.packed, work, out, sums)
    digest_prompts(string_column(prompt), secret, model.packed, model.scale, logits, work, out, sums)
    return TextDigest(
        prompt_hash=out.prompt,
        empty=out.empty,
        skeleton_hash=out.skeleton,
        system_hash=out.system,
        prefix_hash=out.prefix,
        suffix_hash=out.suffix,
        shingles=out.shingles[: out.shingle_offsets[n]].copy(),
        shingle_offsets=out.shingle_offsets,
        lex_bins=out.bins[: out.bin_offsets[n]].copy(),
        lex_offsets=out.bin_offsets,
        topic=out.topic,
        capability=out.capability,
        words=out.words,
        system_words=out.system_words,
    )


def trace_buckets(texts: pl.Series, buckets: int) -> tuple[U32, I64, I64]:
    """Buckets of each text's words and word pairs, as the capability model sees them: for training.

    Args:
        texts: n texts.
        buckets: rows of the weights, a power of two.

    Returns:
        Buckets u32[m], their offsets i64[n+1] and the number of words i64[n].
    """
    column, n = string_column(texts), texts.len()
    read = int(np.minimum(np.diff(column.bounds), HEAD + TAIL).sum())
    out, words, offsets = np.empty(2 * read, np.uint32), np.zeros(n, np.int64), np.zeros(n + 1, np.int64)
    trace(column, np.uint64(buckets - 1), scratch(1), out, words, offsets)
    return out[: offsets[n]].copy(), offsets, words
