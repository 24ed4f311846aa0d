"""A world's log with what is known of it: which requests are the attack."""

import json
from pathlib import Path

import polars as pl


def attacks_marked(out: Path) -> pl.DataFrame:
    """The requests of a folder's world in their order, with `_attack`: whether each is part of an attack."""
    requests = pl.read_ndjson(out / "requests.ndjson", infer_schema_length=None)
    truth = json.loads((out / "truth.json").read_text())
    attacks = [(a, round(1e3 * t)) for a, times in truth["attack_times"].items() for t in times]
    known = pl.DataFrame(attacks, schema={"account_id": pl.String, "_ms": pl.Int64}, orient="row").unique()
    # To the millisecond: the log is written to that, the truth may be finer.
    return (
        requests.with_columns(_ms=(pl.col("ts") * 1e3).round().cast(pl.Int64))
        .join(
            known.with_columns(_attack=pl.lit(value=True)), on=["account_id", "_ms"], how="left", maintain_order="left"
        )
        .with_columns(pl.col("_attack").fill_null(value=False))
        .drop("_ms")
    )
