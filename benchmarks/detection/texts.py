"""Prompts as hashed vectors, account by account in time order: what the methods that compare texts share."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import HashingVectorizer

from benchmarks.detection.base import Case
from detector.evaluation.log import RequestLog, moment

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I64 = NDArray[np.int64]

READ = 600
"""Characters of a prompt that are read: a bound on the work, and more than the median prompt has."""


@dataclass(frozen=True)
class Texts:
    """Exchanges with a prompt.

    Attributes:
        accounts: n, of each exchange; sorted by account and time.
        at: f64[n], epoch seconds.
        which: i64[n], rows of `vectors`.
        vectors: one row of unit length a distinct prompt; an empty one is all zeros.
    """

    accounts: pl.Series
    at: F64
    which: I64
    vectors: csr_array

    def runs(self, least: int) -> Iterator[tuple[str, slice]]:
        """Each account with at least so many exchanges, and where they are."""
        runs = self.accounts.rle().struct.unnest()
        ends = runs["len"].cum_sum()
        for length, account, end in zip(runs["len"], runs["value"], ends, strict=True):
            if length >= least:
                yield account, slice(end - length, end)

    def dense(self, rows: slice) -> F32:
        """f32[len, dimensions] of some exchanges."""
        taken: F32 = self.vectors[self.which[rows]].toarray()
        return taken


def hashed_texts(case: Case, words: tuple[int, int], dimensions: int) -> Texts:
    """The prompts of a log.

    Args:
        case: the log.
        words: shortest and longest run of words that is a term.
        dimensions: that terms are hashed into.
    """
    frame = RequestLog(case.requests).frame("account_id", "ts", "prompt")
    rows = (
        frame.select("account_id", moment(), pl.col("prompt").str.slice(0, READ))
        .drop_nulls()
        .sort("account_id", "moment", "prompt")  # of the same moment as well, so that a run can be repeated
        .collect()
        .with_columns((pl.col("prompt").rank("dense") - 1).cast(pl.Int64).alias("which"))
    )
    distinct = rows.unique("which").sort("which")["prompt"].to_list()
    hashing = HashingVectorizer(
        ngram_range=words, n_features=dimensions, alternate_sign=False, norm="l2", dtype=np.float32
    )
    vectors = csr_array(hashing.transform(distinct)) if distinct else csr_array((0, dimensions), dtype=np.float32)
    return Texts(rows["account_id"], rows["moment"].to_numpy(), rows["which"].to_numpy(), vectors)


def suspicions(parts: list[tuple[str, F64, F64]]) -> pl.DataFrame:
    """The frame that a ranker answers, of account, times and scores."""
    names = pl.Series([account for account, at, _ in parts for _ in range(at.size)], dtype=pl.String)
    empty = [np.zeros(0)]
    at, score = (np.concatenate([*empty, *(part[i] for part in parts)]) for i in (1, 2))
    return pl.DataFrame({"account_id": names, "at": at, "score": score})
