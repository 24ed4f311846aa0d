"""Derive the simulator's table of product clients from ServeGen's per-client statistics (Apache-2.0, alibaba/ServeGen).

    python benchmarks/derive_servegen.py ../shared/data/servegen detector/simulator/data/servegen.json

One row a client: requests a day, share of time active, Weibull shape of the gaps, and quantiles of input and output tokens.
"""

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import polars as pl

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def token_quantiles(folder: Path) -> pl.DataFrame:
    """Quantiles of each client, weighted over its six-hour windows."""
    all_levels = json.loads((folder / "quantile_levels.json").read_text())["quantile_levels"]
    at = [all_levels.index(level) for level in LEVELS]
    sums: dict[tuple[str, int], list[np.ndarray]] = {}
    with gzip.open(folder / "token_quantiles.jsonl.gz", "rt") as lines:
        for line in lines:
            row = json.loads(line)
            if "q" not in row.get("input_tokens", {}) or "q" not in row.get("output_tokens", {}):
                continue
            values = np.array([np.array(row[side]["q"])[at] for side in ("input_tokens", "output_tokens")])
            entry = sums.setdefault((row["model"], row["client"]), [np.zeros((2, len(LEVELS))), np.zeros(1)])
            entry[0] += row["weight"] * values
            entry[1] += row["weight"]
    rows = []
    for (model, client), (values, weight) in sums.items():
        mean = (values / max(weight[0], 1.0)).round().astype(int)
        rows.append({"model": model, "client": client, "input": mean[0].tolist(), "output": mean[1].tolist()})
    return pl.DataFrame(rows)


def main() -> None:
    """Write the table."""
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    clients = pl.read_csv(folder / "clients.csv").select("model", "client", "req_per_day", "active_fraction")
    windows = pl.read_csv(folder / "windows.csv.gz").with_columns(pl.col("shape").clip(0.15, 3.0))
    shape = windows.group_by("model", "client").agg(
        ((pl.col("shape") * pl.col("rate")).sum() / pl.col("rate").sum()).alias("shape")
    )
    table = clients.join(shape, on=["model", "client"]).join(token_quantiles(folder), on=["model", "client"])
    table = table.sort("model", "client")
    rows = [
        {
            "per_day": round(r["req_per_day"], 1),
            "active": round(r["active_fraction"], 4),
            "shape": round(r["shape"], 3),
            "input": r["input"],
            "output": r["output"],
        }
        for r in table.iter_rows(named=True)
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"source": "alibaba/ServeGen, Apache-2.0", "levels": LEVELS, "clients": rows}))
    print(f"{out}: {len(rows)} clients, {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
