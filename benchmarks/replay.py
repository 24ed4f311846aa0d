"""Replay against the bare decode of the same bytes, in one run on one machine.

    python benchmarks/replay.py [--input LOG] [--accounts FILE] [--exchanges 3000000]

The input (the demo world where none is given) is repeated as new accounts, at shifted times of the same days, from other addresses
and with a word of their own around each prompt, until it has enough exchanges: a larger provider. It is written as plain
NDJSON, decoded bare by polars with the full schema, and replayed by the command, kernels warm. The last line is one JSON object.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from detector.simulator.generate import write
from detector.simulator.world import load_world
from streams.decode import raw_schema
from streams.sources.files import FileSource

_SHIFT_S = 37.0
_WORDS = tuple(letter * 5 for letter in "abcdefghijklmnopqrstuvwxyz")
_COPIED = ("request_id", "account_id", "org_id", "api_key_id", "conversation_id")


def repeated(source: Path, out: Path, wanted: int) -> int:
    """Write the log often enough, each copy with identifiers and times of its own, merged in time order."""
    base = logged(source)
    frame = copied(base, max(1, -(-wanted // base.height)))
    with out.open("wb") as file:
        for part in frame.iter_slices(50_000):
            part.write_ndjson(file)
    return frame.height


def logged(source: Path) -> pl.DataFrame:
    """All exchanges of a log."""
    return pl.concat([b.frame for b in FileSource([source]).batches() if b.frame.height])


def copied(base: pl.DataFrame, copies: int) -> pl.DataFrame:
    """Exchanges of as many providers' customers, in time order; `ts` in seconds."""
    parts = [
        base.with_columns(
            *(pl.concat_str(pl.col(c), pl.lit(f"_{k}")) for c in _COPIED),
            pl.col("ts") + pl.duration(microseconds=int(k * _SHIFT_S * 1e6)),
            pl.col("ip").str.replace(r"^\d+", str(1 + (10 + 7 * k) % 223)),
            # Copies must not share a template that their originals have for themselves.
            pl.concat_str(pl.lit(f"{_WORDS[k % 26]} "), pl.col("prompt"), pl.lit(f" {_WORDS[(k + 1) % 26]}")).alias(
                "prompt"
            ),
        )
        for k in range(copies)
    ]
    return pl.concat(parts).sort("ts").with_columns(pl.col("ts").dt.epoch("us") / 1e6)


def bare(path: Path) -> float:
    """Seconds of polars' decode into one frame of all columns."""
    started = time.monotonic()
    pl.read_ndjson(path, schema=raw_schema())
    return time.monotonic() - started


def replayed(path: Path, out: Path) -> tuple[float, dict[str, dict[str, float]]]:
    """Seconds of the whole command, and its run.json."""
    started = time.monotonic()
    command = [
        sys.executable,
        "-c",
        "from detector.cli import main; main()",
        "replay",
        str(path),
        "--out",
        str(out),
        "--json",
    ]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return time.monotonic() - started, json.loads(told.strip().splitlines()[-1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path)
    parser.add_argument("--exchanges", type=int, default=3_000_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.input is None:
            write(load_world("demo"), folder)
        n = repeated(args.input or folder / "requests.ndjson", folder / "log.ndjson", args.exchanges)
        repeated(args.input or folder / "requests.ndjson", folder / "warm.ndjson", 1)
        started, _ = replayed(folder / "warm.ndjson", folder / "warm")
        print(f"small log, kernels perhaps cold: {started:.1f} s")
        decode = min(bare(folder / "log.ndjson") for _ in range(2))
        seconds, run = replayed(folder / "log.ndjson", folder / "out")
    result = {
        "replay_per_s": round(n / seconds),
        "decode_per_s": round(n / decode),
        "ratio": round(decode / seconds, 4),
        "peak_rss_mb": run["memory"]["peak_rss_mb"],
        "state_bytes_per_account": run["memory"]["state_bytes_per_account"],
    }
    print(f"{n:,} exchanges: replay {seconds:.1f} s, bare decode {decode:.1f} s")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
