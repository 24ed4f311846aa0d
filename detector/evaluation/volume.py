"""Baseline: flag whoever is among the heaviest by daily volume. The thresholds are percentiles, not fitted to truth."""

import polars as pl

from detector.evaluation.log import RequestLog, moment

LEVELS = {"p99": 0.99, "p99.9": 0.999}
UNITS = {"requests": "requests", "tokens": "tokens"}


def running_days(log: RequestLog) -> pl.LazyFrame:
    """What each account has used since midnight UTC, at each of its exchanges.

    Returns:
        `account_id`, `moment` (epoch seconds), `requests` and `tokens` (input and output) so far that day, this exchange included;
        in time order.
    """
    tokens = pl.col("input_tokens").fill_null(0.0) + pl.col("output_tokens").fill_null(0.0)
    frame = log.frame("account_id", "ts", "input_tokens", "output_tokens")
    day = ["account_id", pl.col("moment") // 86_400.0]
    return (
        frame.select("account_id", moment(), tokens.alias("tokens"))
        .sort("moment", maintain_order=True)
        .with_columns(
            pl.int_range(1, pl.len() + 1).over(day).cast(pl.Float64).alias("requests"),
            pl.col("tokens").cum_sum().over(day),
        )
    )


def daily_peaks(log: RequestLog) -> pl.DataFrame:
    """Each account's heaviest UTC day.

    Returns:
        `account_id`, `requests` and `tokens` (input and output) of its heaviest day by each; sorted by account.
    """
    peaks = running_days(log).group_by("account_id").agg(pl.col("requests", "tokens").max())
    return peaks.sort("account_id").collect(engine="streaming")


def flag_heaviest(peaks: pl.DataFrame) -> dict[str, frozenset[str]]:
    """Accounts above each percentile of each unit.

    Args:
        peaks: as from `daily_peaks`.

    Returns:
        Flagged accounts by the baseline's name.
    """
    flagged = {}
    for unit in UNITS:
        for level, quantile in LEVELS.items():
            threshold = peaks[unit].quantile(quantile, "higher")
            heavy = peaks.filter(pl.col(unit) >= threshold)
            flagged[f"daily {unit} ≥ {level}"] = frozenset(heavy["account_id"].to_list())
    return flagged
