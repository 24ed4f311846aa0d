"""Measure the shipped benign reference on the simulator's quiet world.

    python benchmarks/build_reference.py [--out detector/scoring/data/reference.json] [--scale 1.0]

Two passes over a week of simulated traffic without an attack: quantiles of all features, then the highest score of each entity.
Nothing of a truth file is read.
"""

import argparse
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec
import polars as pl

from detector.profiles.capability import CapabilityModel
from detector.profiles.columns import Keys
from detector.profiles.events import EventTracker
from detector.profiles.facts import AccountBook
from detector.scoring.reference import packaged
from detector.scoring.rules import load_rules
from detector.scoring.scorer import Scorer
from detector.service.calibration import measure_reference
from detector.service.engine import Engine
from detector.simulator.generate import write
from detector.simulator.world import load_world
from streams.accounts import read_accounts, read_events
from streams.sources.files import FileSource


def main() -> None:
    """Simulate, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=packaged())
    parser.add_argument("--scale", type=float, default=1.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = write(load_world("quiet"), folder, scale=args.scale)
        accounts, events = read_accounts(folder / "accounts.ndjson"), read_events(folder / "events.ndjson")
        keys, model = Keys(11, 22), CapabilityModel.load()

        def batches() -> Iterable[pl.DataFrame]:
            return (batch.frame for batch in FileSource([folder / "requests.ndjson"]).batches())

        def make(kind: type[Engine], scorer: Scorer) -> Engine:
            return kind(scorer, model, keys, AccountBook(accounts, keys.identity), EventTracker(events))

        made_from = f"simulated world quiet, scale {args.scale:g}: {made.accounts} accounts, {made.exchanges} exchanges"
        reference = measure_reference(load_rules(), batches, make, made_from, print)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(msgspec.json.encode(reference))
    for category, null in reference.null.items():
        print(f"{category}: {null.count} benign entities, highest scores {null.scores[-5:]}")


if __name__ == "__main__":
    main()
