"""Fit the shipped anomaly model on the simulator's quiet world.

    python benchmarks/build_anomaly.py [--out detector/scoring/data/anomaly.model] [--fit 1] [--null 2]

Three worlds without an attack, of three seeds. On the first, accounts are looked at twice a day; each is learnt from at one of these
looks, drawn at random, for accounts are judged from their first hours on. The second gives the null: the highest score of each
account over a week of ticks. The third, of the null's size, shows whether the null holds. Nothing of a truth file is read.
"""

import argparse
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from detector.coordination.clusters import Moment
from detector.profiles.capability import CapabilityModel
from detector.profiles.columns import Keys
from detector.profiles.events import EventTracker
from detector.profiles.facts import AccountBook
from detector.profiles.features import FEATURES
from detector.scoring.anomaly.fit import fit
from detector.scoring.anomaly.model import AnomalyModel, packaged
from detector.scoring.anomaly.week import DAYS
from detector.scoring.reference import load_reference
from detector.scoring.rules import load_rules
from detector.scoring.scorer import ACCOUNT, Scorer
from detector.service.calibration import Highest, Snapshots, run, scorer_of
from detector.service.engine import Engine
from detector.simulator.generate import write
from detector.simulator.world import load_world
from streams.accounts import read_accounts, read_events
from streams.sources.files import FileSource


class Looks(Snapshots):
    """Keeps features of accounts at some ticks; no clusters."""

    def _due(self, category: str, now: int) -> bool:
        return category == ACCOUNT and super()._due(category, now)


class Strangest(Highest):
    """Keeps how strange accounts were; no clusters."""

    def propose(self, moment: Moment) -> None:
        """Look for none."""


SEEDS = (1201, 1202, 1203)  # fit, null, check; none of them in a table of results
LEVELS = (0.05, 0.01, 0.002)


def main() -> None:
    """Simulate, fit, measure, write, check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=packaged())
    parser.add_argument("--model", type=Path, help="fitted before; only its null is measured")
    parser.add_argument("--fit", type=float, default=1.0, help="scale of the world that is learnt from")
    parser.add_argument("--null", type=float, default=2.0, help="scale of the two others")
    args = parser.parse_args()
    model = AnomalyModel.load(args.model) if args.model else fitted(args.fit, args.out)
    model = replace(model, weeks=strangest(SEEDS[1], args.null, model).weeks(DAYS))
    model.save(args.out)
    print(f"{args.out}: {args.out.stat().st_size:,} bytes")
    check(strangest(SEEDS[2], args.null, model), model)


def fitted(scale: float, out: Path) -> AnomalyModel:
    """A model without a null."""
    snapshots = watched(Looks, SEEDS[0], scale, None)
    if not isinstance(snapshots, Snapshots):
        raise TypeError("the engine is of another class")
    frame = pl.concat(snapshots.frames[ACCOUNT])
    order = np.random.default_rng(SEEDS[0]).permutation(frame.height)
    frame = frame[order].unique("entity", keep="first", maintain_order=True)
    model = fit(frame, [name for name in FEATURES if name in frame.columns])
    model.save(out)
    print(f"learnt from {frame.height:,} accounts: {dict(frame['stratum'].value_counts().iter_rows())}", flush=True)
    return model


def strangest(seed: int, scale: float, model: AnomalyModel) -> Highest:
    """An engine that has watched a quiet world for each account's strangest moment."""
    engine = watched(Strangest, seed, scale, model)
    if not isinstance(engine, Highest):
        raise TypeError("the engine is of another class")
    return engine


def check(engine: Highest, model: AnomalyModel) -> None:
    """How often accounts of another world are as strange as a p-value says, in their strangest moment."""
    for name, high in engine.strangest.items():
        p = model.weeks[name].p_values(high[np.isfinite(high)])
        rates = "; ".join(f"p ≤ {level}: {(p <= level).mean():.4f}" for level in LEVELS)
        print(f"{name:<12}{p.size:>7,} accounts with {rates}; least p {1 / (1 + model.weeks[name].count):.1e}")
    parts = [
        np.where(np.isfinite(high), model.weeks[name].p_values(high), 1.0) for name, high in engine.strangest.items()
    ]
    length = max(part.size for part in parts)
    least = np.min([np.pad(part, (0, length - part.size), constant_values=1.0) for part in parts], axis=0)
    least = least[: len(engine.store)]
    print("all of them, the least of each:", "; ".join(f"p ≤ {at}: {(least <= at).mean():.4f}" for at in LEVELS))


def watched(kind: type[Engine], seed: int, scale: float, anomaly: AnomalyModel | None) -> Engine:
    """An engine after a week of a quiet world."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = write(load_world("quiet"), folder, seed, scale)
        accounts, events = read_accounts(folder / "accounts.ndjson"), read_events(folder / "events.ndjson")
        keys = Keys(11, 22)

        def batches() -> Iterable[pl.DataFrame]:
            return (batch.frame for batch in FileSource([folder / "requests.ndjson"]).batches())

        scorer: Scorer = scorer_of(load_rules(), load_reference(), anomaly)
        book, tracker = AccountBook(accounts, keys.identity), EventTracker(events)
        engine = kind(scorer, CapabilityModel.load(), keys, book, tracker)
        run(engine, batches)
        engine.settle()
    print(f"quiet, seed {seed}, scale {scale:g}: {made.accounts:,} accounts, {made.exchanges:,} exchanges", flush=True)
    return engine


if __name__ == "__main__":
    main()
