"""Which exchanges of a world's log are the attack."""

from collections.abc import Iterable, Mapping
from typing import Final

import polars as pl

from detector.evaluation.inputs import Time, epoch

_MS: Final = 1e3
Times = Mapping[str, Iterable[Time]]


def moment(ts: float) -> int:
    """A time in milliseconds: the log is written to that, the truth may be finer."""
    return round(_MS * ts)


def moments(times: Times) -> set[tuple[str, int]]:
    """Account and moment of each attack exchange.

    Args:
        times: `attack_times` of the truth.
    """
    return {(account, moment(epoch(t))) for account, each in times.items() for t in each}


def marked(requests: pl.DataFrame, times: Times) -> pl.DataFrame:
    """Exchanges in their order, with `_attack`: whether each is part of an attack.

    Args:
        requests: with `account_id`, and `ts` in epoch seconds.
        times: `attack_times` of the truth.
    """
    keys = ["account_id", "_ms"]
    known = pl.DataFrame(sorted(moments(times)), schema={"account_id": pl.String, "_ms": pl.Int64}, orient="row")
    return (
        requests.with_columns(_ms=(pl.col("ts") * _MS).round().cast(pl.Int64))
        .join(known.with_columns(_attack=pl.lit(value=True)), on=keys, how="left", maintain_order="left")
        .with_columns(pl.col("_attack").fill_null(value=False))
        .drop("_ms")
    )
