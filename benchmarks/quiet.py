"""False alarms where nobody attacks.

    python benchmarks/quiet.py [--accounts 100000] [--seed 907] [--out FOLDER]

Writes a week of the world `quiet` at the scale that has so many accounts, from a seed that the benign reference was not measured
on, replays it with the command, and counts what is actionable: all of it is false. World and detector stream, one after the other, so
that memory is bounded by the accounts; the log takes about 6 kB of disk an account and day. The interval is exact for counts that
come by themselves (Garwood, 1936). The last line is one JSON object.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import msgspec
from scipy import stats

from detector.evaluation.inputs import read_truth
from detector.simulator.generate import write
from detector.simulator.lab.watch import evaluated, replay
from detector.simulator.world import load_world

_AT_ONE: Final = 8_199  # accounts of the world at scale 1
_PER: Final = 100_000  # accounts that the rate is told for


def poisson(count: int, share: float = 0.95) -> tuple[float, float]:
    """Bounds of the mean of a count.

    Args:
        count: what was seen.
        share: how often the bounds hold.
    """
    tail = (1 - share) / 2
    low = float(stats.chi2.ppf(tail, 2 * count)) / 2 if count else 0.0
    return low, float(stats.chi2.ppf(1 - tail, 2 * count + 2)) / 2


def counted(folder: Path) -> dict[str, Any]:
    """What the detector says of a folder's quiet world."""
    found = msgspec.to_builtins(evaluated(folder, read_truth(folder / "truth.json")))
    counts, days = found["counts"], found["days"]
    exposure = counts["benign"] * days / _PER
    low, high = poisson(counts["cases"])
    flagged = {kind: each for kind, each in found["per_innocent"].items() if each["flagged"]}
    return {
        "active_accounts": counts["benign"],
        "days": round(days, 3),
        "actionable_alerts": counts["cases"],
        "alerts_per_100k_accounts_day": counts["cases"] / exposure,
        "low": low / exposure,
        "high": high / exposure,
        "flagged_accounts": counts["flagged_benign"],
        "flagged": {kind: {"accounts": each["accounts"], "flagged": each["flagged"]} for kind, each in flagged.items()},
    }


def measured(accounts: int, seed: int, folder: Path) -> dict[str, Any]:
    """Writes, replays and counts.

    Args:
        accounts: about so many.
        seed: of the world.
        folder: of its files.
    """
    started = time.monotonic()
    made = write(load_world("quiet"), folder, seed, accounts / _AT_ONE)
    written = time.monotonic()
    print(f"{made.exchanges:,} exchanges of {made.accounts:,} accounts in {written - started:.0f} s", flush=True)
    replay(folder)
    seconds = time.monotonic() - written
    print(f"replayed in {seconds:.0f} s", flush=True)
    memory = json.loads((folder / "found" / "run.json").read_text())["memory"]
    told = {"accounts": made.accounts, "exchanges": made.exchanges, "seed": seed}
    took = {"write_s": round(written - started, 1), "replay_s": round(seconds, 1)}
    return told | counted(folder) | took | {"replay_peak_rss_mb": memory["peak_rss_mb"]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=907)
    parser.add_argument("--out", type=Path, help="folder that keeps the world and the alerts")
    args = parser.parse_args()
    if args.accounts < 1:
        sys.exit("--accounts: at least one")
    if args.out is not None:
        found = measured(args.accounts, args.seed, args.out)
    else:
        with tempfile.TemporaryDirectory() as name:
            found = measured(args.accounts, args.seed, Path(name))
    for kind, each in found["flagged"].items():
        print(f"{kind:<24}{each['flagged']:>6} of {each['accounts']:,}")
    print(
        f"{found['actionable_alerts']} actionable alerts: {found['alerts_per_100k_accounts_day']:.2f} "
        f"({found['low']:.2f}–{found['high']:.2f}) per 100,000 accounts and day"
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
