"""What a tick costs at a provider's size: a million accounts of which one in a hundred did something.

    python benchmarks/tick.py [--input LOG] [--accounts 1000000] [--changed 0.01] [--ticks 12] [--hours 24]

The first hours of a log (of a quiet world with a hundred thousand accounts, where none is given) are taken in, repeated as other
accounts until there are enough of them, without a look. A first look finds what there is. Then, every quarter of an hour of event
time, so many accounts go on with a few exchanges of the hours after, and one tick scores them and looks at clusters. Told are the
seconds of each tick by the clock, apart from taking in: the look itself, and scores and cases. The last line is one JSON object.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from replay import copied, logged

from detector.config import Settings
from detector.profiles.layout import HOUR_US
from detector.service.engine import Engine
from detector.service.replay import make_engine
from detector.service.ticks import Clock
from detector.simulator.generate import write
from detector.simulator.world import load_world

_SCALE: Final = 12.2  # of the quiet world: a hundred thousand accounts
_QUARTER_US: Final = HOUR_US // 4
_MOST: Final = 3  # exchanges of an account within a quarter of an hour
_NEVER: Final = 10**15  # µs: the ticks are the benchmark's own


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", type=Path)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--changed", type=float, default=0.01)
    parser.add_argument("--ticks", type=int, default=12)
    parser.add_argument("--hours", type=float, default=24.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if args.input is None:
            write(load_world("quiet"), Path(name), 907, _SCALE)
        log = logged(args.input or Path(name) / "requests.ndjson")
    start = int(log["ts"].dt.epoch("us").min())  # type: ignore[arg-type]
    until = start + int(args.hours * HOUR_US)
    before = pl.col("ts").dt.epoch("us") < until
    engine = make_engine(Settings(), None, None)
    engine.clock = Clock(_NEVER, 1)
    copies = -(-args.accounts // log.filter(before)["account_id"].n_unique())
    for part in hours(log.filter(before), copies):
        engine.process(part)
    print(f"{len(engine.store):,} accounts taken in", flush=True)
    first, _ = ticked(engine, until)
    print(f"first look at clusters: {first:.1f} s", flush=True)
    later = log.filter(~before).filter(pl.int_range(pl.len()).over("account_id") < _MOST)
    found = list(ticks(engine, later, copies, args.changed, until, args.ticks))
    print(json.dumps(summed_up(engine, args.changed, found)))


def hours(log: pl.DataFrame, copies: int) -> Iterator[pl.DataFrame]:
    """A log as other accounts, an hour at a time."""
    hour = log.with_columns(pl.col("ts").dt.truncate("1h").alias("hour"))
    for part in hour.partition_by("hour", maintain_order=True, include_key=False):
        yield repeated(part, copies)


def repeated(log: pl.DataFrame, copies: int) -> pl.DataFrame:
    """Exchanges of as many providers' customers, at the times of the log."""
    out = copied(log, copies)
    return timed(out, (out["ts"] * 1e6).cast(pl.Int64), log.schema["ts"])


def timed(log: pl.DataFrame, at: pl.Series, kind: pl.DataType) -> pl.DataFrame:
    """A log at other times, µs."""
    return log.with_columns(at.cast(pl.Datetime("us", "UTC")).cast(kind).alias("ts")).sort("ts")


def ticks(
    engine: Engine, later: pl.DataFrame, copies: int, changed: float, now: int, count: int
) -> Iterator[tuple[int, float, float]]:
    """Exchanges taken in, and seconds of the look and of scores and cases, of ticks a quarter of an hour apart."""
    rng = np.random.default_rng(1)
    names = later["account_id"].unique().sort()
    for _ in range(count):
        wanted = min(len(names), round(changed * len(engine.store) / copies))
        some = names.sample(wanted, seed=int(rng.integers(1 << 30)))
        part = repeated(later.filter(pl.col("account_id").is_in(some.implode())), copies)
        at = np.sort(rng.integers(now, now + _QUARTER_US, part.height))
        engine.process(timed(part, pl.Series(at), part.schema["ts"]))
        now += _QUARTER_US
        yield (part.height, *ticked(engine, now))


def ticked(engine: Engine, now: int) -> tuple[float, float]:
    """Seconds of a look at accounts and clusters, and of what follows from it."""
    started = time.perf_counter()
    engine.tick(now)
    looked = time.perf_counter()
    engine.settle()
    return looked - started, time.perf_counter() - looked


def summed_up(engine: Engine, changed: float, found: list[tuple[int, float, float]]) -> dict[str, float]:
    """Medians and worst of the ticks."""
    exchanges, looks, scores = (np.array(column) for column in zip(*found, strict=True))
    for n, look, score in found:
        print(f"{n:,} exchanges: look {look:.2f} s, scores and cases {score:.2f} s")
    return {
        "accounts": len(engine.store),
        "changed": changed,
        "exchanges_a_tick": round(float(np.median(exchanges))),
        "look_s": round(float(np.median(looks)), 3),
        "scores_s": round(float(np.median(scores)), 3),
        "tick_s": round(float(np.median(looks + scores)), 3),
        "worst_tick_s": round(float((looks + scores).max()), 3),
    }


if __name__ == "__main__":
    main()
