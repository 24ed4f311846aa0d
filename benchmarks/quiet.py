"""False alarms where nobody attacks.

    python benchmarks/quiet.py [--accounts 100000] [--seed 907] [--ticks 300] [--out FOLDER]

Writes a week of the world `quiet` at the scale that has so many accounts, from a seed that the benign reference was not measured
on, replays it with the command, and counts what is actionable: all of it is false. World and detector stream, one after the other, so
that memory is bounded by the accounts; the log takes about 6 kB of disk an account and day. The interval is exact for counts that
come by themselves (Garwood, 1936).

With several `--ticks` the same world is replayed at each (setting `tick_s`; looks at clusters stay three ticks apart), and false
alarms are held against those at the first: given their sum, a count is binomial where both rates are the same (Przyborowski and
Wilenski, 1940). The last line is one JSON object.
"""

import argparse
import json
import os
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


def same_rate(one: int, other: int) -> float:
    """How likely two counts over the same accounts and days differ this much or more where their rates are the same.

    Args:
        one: false alarms.
        other: those of the other replay.
    """
    return float(stats.binomtest(one, one + other).pvalue) if one + other else 1.0


def replayed(folder: Path, tick_s: int) -> dict[str, Any]:
    """Replays at one distance of ticks and counts.

    Args:
        folder: of a world's files.
        tick_s: seconds between looks at accounts.
    """
    started = time.monotonic()
    os.environ["REVENUER_TICK_S"] = str(tick_s)
    replay(folder)
    seconds = time.monotonic() - started
    print(f"replayed at ticks of {tick_s} s in {seconds:.0f} s", flush=True)
    memory = json.loads((folder / "found" / "run.json").read_text())["memory"]
    took = {"replay_s": round(seconds, 1), "replay_peak_rss_mb": memory["peak_rss_mb"]}
    return {"tick_s": tick_s} | counted(folder) | took


def measured(accounts: int, seed: int, folder: Path, ticks: list[int]) -> dict[str, Any]:
    """Writes, replays and counts.

    Args:
        accounts: about so many.
        seed: of the world.
        folder: of its files.
        ticks: seconds between looks at accounts, a replay each.
    """
    started = time.monotonic()
    made = write(load_world("quiet"), folder, seed, accounts / _AT_ONE)
    written = time.monotonic()
    print(f"{made.exchanges:,} exchanges of {made.accounts:,} accounts in {written - started:.0f} s", flush=True)
    told = {"accounts": made.accounts, "exchanges": made.exchanges, "seed": seed}
    first, *others = [replayed(folder, tick_s) for tick_s in ticks]
    for other in others:
        other["p_same_rate"] = same_rate(first["actionable_alerts"], other["actionable_alerts"])
    return told | first | {"write_s": round(written - started, 1), "other_ticks": others}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=907)
    parser.add_argument("--ticks", type=int, nargs="+", default=[300], help="seconds between looks, each a replay")
    parser.add_argument("--out", type=Path, help="folder that keeps the world and the alerts")
    args = parser.parse_args()
    if args.accounts < 1:
        sys.exit("--accounts: at least one")
    if args.out is not None:
        found = measured(args.accounts, args.seed, args.out, args.ticks)
    else:
        with tempfile.TemporaryDirectory() as name:
            found = measured(args.accounts, args.seed, Path(name), args.ticks)
    for kind, each in found["flagged"].items():
        print(f"{kind:<24}{each['flagged']:>6} of {each['accounts']:,}")
    for one in (found, *found["other_ticks"]):
        print(
            f"ticks of {one['tick_s']} s: {one['actionable_alerts']} actionable alerts: "
            f"{one['alerts_per_100k_accounts_day']:.2f} ({one['low']:.2f}–{one['high']:.2f}) per 100,000 accounts and day"
            + (f"; as many by chance with p = {one['p_same_rate']:.2f}" if "p_same_rate" in one else "")
        )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
