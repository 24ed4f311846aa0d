"""honeypotllm: a suspicion score of each key from rate, sequence, gaps and volume."""

from typing import ClassVar

import numpy as np
import polars as pl
from numba import njit

from benchmarks.detection.base import Case, Ranker
from benchmarks.detection.texts import F64, I64
from detector.evaluation.log import RequestLog, moment

SNIPPET = 120
"""Characters of a prompt that it keeps."""

# Its defaults (0.1.3): limits a minute, an hour and a day, weights, the shortest gap in seconds, decay an hour.
MINUTE, HOUR, DAY = 30, 500, 5_000
RATE, SEQUENCE, GAP, VOLUME = 0.35, 0.30, 0.20, 0.15
SIMILAR, SHORTEST, DECAY = 0.40, 0.5, 0.05
PRIOR_PROMPTS, PRIOR_REQUESTS = 3, 5


class HoneypotLlm(Ranker):
    """The scoring of honeypotllm 0.1.3 (PyPI, Apache-2.0), in our own words, at the log's clock and by account.

    Every request adds: how far the requests of a minute, an hour or a day are above a limit; the Jaccard similarity of its word
    pairs with the prompt before, from .4 on; how far the gap is below half a second; how far a day is above twice its limit. The
    sum saturates at 1 and decays by .05 an hour. From .75 on answers are marked.
    """

    label: ClassVar[str] = "honeypotllm"
    own: ClassVar[float | None] = 0.75

    def prepare(self, case: Case) -> pl.DataFrame:
        """Exchanges by account and time, with the similarity of each prompt to the one before."""
        frame = RequestLog(case.requests).frame("account_id", "ts", "prompt")
        rows = (
            frame.select("account_id", moment(), "prompt")
            .drop_nulls("moment")
            .sort("account_id", "moment", "prompt")
            .collect()
        )
        return rows.select("account_id", "moment", similarity(rows))

    def rank(self, prepared: pl.DataFrame, without: frozenset[str]) -> pl.DataFrame:
        """The score after each exchange."""
        del without
        first = (prepared["account_id"] != prepared["account_id"].shift(1)).fill_null(value=True).arg_true()
        bounds = np.append(first.to_numpy(), prepared.height).astype(np.int64)
        scores = _scores(bounds, prepared["moment"].to_numpy(), prepared["similarity"].to_numpy())
        judged = prepared.select("account_id", pl.col("moment").alias("at")).with_columns(pl.Series("score", scores))
        return judged.filter(pl.col("score") > 0)


def similarity(rows: pl.DataFrame) -> pl.Series:
    """Jaccard similarity of word pairs with the account's prompt before; 0 below the limit or with too few prompts before.

    Args:
        rows: `account_id` and `prompt`, sorted by account and time.
    """
    words = pl.col("prompt").str.slice(0, SNIPPET).str.to_lowercase().str.extract_all(r"\S+")
    pairs = words.list.eval((pl.element() + " " + pl.element().shift(-1)).drop_nulls())
    given = (
        rows.with_row_index()
        .filter(pl.col("prompt").str.len_chars() > 0)
        .with_columns(pl.when(words.list.len() < 2).then(words).otherwise(pairs).list.unique().alias("now"))  # noqa: PLR2004
        .with_columns(
            pl.col("now").shift(1).over("account_id").alias("before"),
            pl.int_range(pl.len()).over("account_id").alias("prior"),
        )
        .filter(pl.col("prior") >= PRIOR_PROMPTS)
    )
    common = pl.col("now").list.set_intersection("before").list.len()
    either = pl.col("now").list.len() + pl.col("before").list.len() - common
    likeness = given.select("index", (common / either).alias("similarity")).filter(pl.col("similarity") >= SIMILAR)
    joined = rows.with_row_index().select("index").join(likeness, on="index", how="left", maintain_order="left")
    return joined["similarity"].fill_null(0.0)


@njit(cache=True)
def _scores(bounds: I64, at: F64, likeness: F64) -> F64:
    """The running score; rows by account and time, `bounds` the first row of each account and the end."""
    out = np.zeros(at.size)
    for account in range(bounds.size - 1):
        start = minute = hour = day = bounds[account]
        score = 0.0
        for row in range(start, bounds[account + 1]):
            now = at[row]
            gap = now - at[row - 1] if row > start else 0.0
            score = max(0.0, score - DECAY * gap / 3_600.0)
            while at[minute] < now - 60.0:
                minute += 1
            while at[hour] < now - 3_600.0:
                hour += 1
            while at[day] < now - 86_400.0:
                day += 1
            a, b, c = row - minute + 1, row - hour + 1, row - day + 1
            rate = max(0.0, (a - MINUTE) / a, (b - HOUR) / b, (c - DAY) / c)
            pause = 1.0 - gap / SHORTEST if row - start + 1 >= PRIOR_REQUESTS and gap < SHORTEST else 0.0
            bulk = min(1.0, max(0.0, (c - 2 * DAY) / (8 * DAY)))
            score = min(1.0, score + RATE * rate + SEQUENCE * likeness[row] + GAP * pause + VOLUME * bulk)
            out[row] = score
    return out
