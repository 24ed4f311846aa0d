"""What accounts that are alike have in common where nobody attacks: the nulls of groups found by likeness.

    python benchmarks/lookalikes_null.py [--accounts 25000] [--seed 911]

Writes a week of the world `quiet`, takes it in, and searches for lookalikes every twelve hours. Of all groups that likeness alone
proposes and that stand apart, by kind of account:

- how their volumes are spread: shapes of the gamma distribution, their share by maximum likelihood over all groups (Kiefer and
  Wolfowitz, 1956), for `ALIKE` of `detector/coordination/crowd.py`;
- how far they are beyond what accounts alike have, less what the search over all groups costs: above 0 a group is a candidate;
- of the accounts that stand right beside them, the share that would belong (`ODDS` of `belonging.py`): some are of their source.

The last line is one JSON object.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from detector.coordination.around import beside, places
from detector.coordination.belonging import ODDS, odds
from detector.coordination.clusters import active_slots
from detector.coordination.counted import counted, of_others
from detector.coordination.crowd import beyond_alike, likelihoods
from detector.coordination.lookalikes import APART, LEAST, proposed
from detector.coordination.volumes import KINDS, kinds_of
from detector.profiles.capability import CapabilityModel
from detector.profiles.columns import Keys
from detector.profiles.events import EventTracker
from detector.profiles.facts import AccountBook
from detector.profiles.layout import F64, HOUR_US
from detector.scoring.reference import load_reference
from detector.scoring.rules import load_rules
from detector.service.calibration import scorer_of
from detector.service.engine import Engine
from detector.simulator.generate import write
from detector.simulator.world import load_world
from streams.accounts import read_accounts, read_events
from streams.sources.files import FileSource

_AT_ONE: Final = 8_199  # accounts of the world at scale 1
_EVERY_US: Final = 12 * HOUR_US
_SHAPES: Final = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0, 32.0, 100.0)
_ROUNDS: Final = 300
_SEEN: Final = 0.01  # of the weight


@dataclass
class Searches(Engine):
    """An engine that searches for lookalikes and does nothing else.

    Attributes:
        spread: log likelihoods of each group's volumes by shape, by kind of account.
        beyond: nats of each group beyond the accounts alike, less the search, by kind.
        standing: log odds of the accounts beside groups, were they in them.
        searched: event time of the latest search, µs.
    """

    spread: dict[str, list[F64]] = field(default_factory=lambda: defaultdict(list))
    beyond: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    standing: list[F64] = field(default_factory=list)
    searched: int = 0

    def tick(self, now: int, *, coordinate: bool | None = None) -> None:  # noqa: ARG002 - the same call as an engine's
        """Search, where that is due."""
        self.store.expire(now)
        self._changed.clear()
        self._waiting.clear()
        self.searched = self.searched or now
        if now - self.searched >= _EVERY_US:
            self.searched = now
            self._search(now)

    def _search(self, now: int) -> None:
        found = proposed(self.store, active_slots(self.store, now), now)
        if found is None:
            return
        of, near = counted(found.accounts), places(found.place)
        for group, apart in zip(found.groups, found.apart, strict=True):  # over groups
            if apart < APART:
                continue
            members = found.accounts.of(group)
            kind = KINDS[int(np.bincount(kinds_of(members.counts)).argmax())]
            self.spread[kind].append(likelihoods(members.requests, members.days, _SHAPES, LEAST).max(axis=0))
            bounds = np.array([0, group.size])
            paid = float(beyond_alike(members.requests, members.days, bounds, LEAST)[0]) - np.log(len(found.groups))
            self.beyond[kind].append(paid)
            others = beside(near, group)
            self.standing.append(odds(of, group, others, of_others(of, group, others))[1])


def shares(spread: list[F64]) -> dict[float, float]:
    """Share of each shape that makes all groups likeliest (expectation–maximisation).

    Args:
        spread: f64[shapes] of each group, log likelihoods.
    """
    table, weight = np.array(spread), np.full(len(_SHAPES), 1.0 / len(_SHAPES))
    for _ in range(_ROUNDS):
        odds_of = table + np.log(np.maximum(weight, 1e-12))
        each = np.exp(odds_of - odds_of.max(axis=1, keepdims=True))
        weight = (each / each.sum(axis=1, keepdims=True)).mean(axis=0)
    return {shape: round(float(w), 3) for shape, w in zip(_SHAPES, weight, strict=True) if w > _SEEN}


def measured(accounts: int, seed: int, folder: Path) -> dict[str, Any]:
    """Writes, takes in and tells.

    Args:
        accounts: about so many.
        seed: of the world.
        folder: of its files.
    """
    write(load_world("quiet"), folder, seed, accounts / _AT_ONE)
    book, events = read_accounts(folder / "accounts.ndjson"), read_events(folder / "events.ndjson")
    keys, scorer = Keys(11, 22), scorer_of(load_rules(), load_reference())
    engine = Searches(scorer, CapabilityModel.load(), keys, AccountBook(book, keys.identity), EventTracker(events))
    for batch in FileSource([folder / "requests.ndjson"]).batches():
        engine.process(batch.frame)
    standing = np.concatenate(engine.standing)
    kinds = {
        kind: {
            "groups": len(spread),
            "shapes": shares(spread),
            "highest": [round(float(x), 2) for x in sorted(engine.beyond[kind])[-3:]],
            "candidates": int(sum(x >= 0 for x in engine.beyond[kind])),
        }
        for kind, spread in engine.spread.items()
    }
    return {
        "accounts": accounts,
        "seed": seed,
        "kinds": kinds,
        "beside": int(standing.size),
        "would_belong": round(float((standing >= ODDS).mean()), 4),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=25_000)
    parser.add_argument("--seed", type=int, default=911)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = measured(args.accounts, args.seed, Path(name))
    for kind, each in found["kinds"].items():
        print(kind, each)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
