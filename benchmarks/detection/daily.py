"""Daily aggregates of each account: what a user of an anomaly library would feed it."""

import polars as pl

from benchmarks.detection.base import Case
from detector.evaluation.log import RequestLog, moment

DAY_S = 86_400.0
KEYS = ("account_id", "at")

_MEANS = ("input_tokens", "output_tokens", "n_messages", "tool_calls", "temperature", "max_tokens", "n", "latency_ms")
_DISTINCT = ("prompt", "model", "ip", "conversation_id")
_GIVEN = ("system_prompt", "response_format", "end_user_id")


def daily(case: Case) -> pl.DataFrame:
    """One row an account and UTC day with traffic.

    Returns:
        `account_id`, `at` (epoch seconds of the end of the day, or of the log where that is earlier), and Float64 aggregates; in
        the order of `at`.
    """
    frame = RequestLog(case.requests).frame("account_id", "ts", *_MEANS, *_DISTINCT, *_GIVEN, "logprobs", "status")
    hour = (pl.col("moment") % DAY_S // 3_600).n_unique()
    rows = (
        frame.with_columns(moment())
        .drop_nulls("moment")
        .group_by("account_id", (pl.col("moment") // DAY_S).alias("day"))
        .agg(
            pl.len().alias("requests"),
            pl.col("moment").max().alias("last"),
            hour.alias("hours"),
            (pl.col("status") >= 400).mean().alias("failed"),  # noqa: PLR2004 - HTTP
            pl.col("logprobs").mean(),
            pl.col("prompt").str.len_chars().mean().alias("prompt:chars"),
            pl.col("output_tokens").std().alias("output_tokens:std"),
            *(pl.col(name).mean() for name in _MEANS),
            *(pl.col(name).n_unique().alias(f"{name}:distinct") for name in _DISTINCT),
            *(pl.col(name).is_not_null().mean().alias(f"{name}:given") for name in _GIVEN),
        )
        .collect()
    )
    end = pl.min_horizontal((pl.col("day") + 1) * DAY_S, pl.col("last").max())
    values = pl.all().exclude("account_id", "at").cast(pl.Float64).fill_null(0.0)
    return rows.with_columns(end.alias("at")).drop("day", "last").sort("at", "account_id").with_columns(values)
