"""Rounds of attack, detection and change.

The attacker knows only which requests of its own accounts were refused. Every round it comes back with fresh accounts
in a fresh world. Within a round, where it has accounts in store, each that is refused is replaced at once.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from detector.evaluation.inputs import read_truth
from detector.simulator.generate import write
from detector.simulator.lab.arms.bandit import Bandit
from detector.simulator.lab.arms.evasions import EVASIONS, Scene
from detector.simulator.lab.arms.replacement import replace_refused
from detector.simulator.lab.attacks import marked
from detector.simulator.lab.enforcement import passed, read_log
from detector.simulator.lab.intervals import interval
from detector.simulator.lab.orders import bound
from detector.simulator.lab.parts import Parts
from detector.simulator.lab.watch import HASH_KEY, orders_in, replay
from detector.simulator.world import World, load_world

Json = dict[str, Any]
CAMPAIGNS: Final = ("shared_cards", "task_list", "injected", "replaced")  # of the demo world; each chooses once a round
CROWD: Final = 0.25  # of the demo world's innocents


@dataclass(frozen=True)
class Arena:
    """Where rounds are played.

    Attributes:
        world: every campaign chooses once a round.
        seed: of the first round's world; the next ones follow.
        in_store: whether refused accounts are replaced within a round, once each.
    """

    world: World
    seed: int
    in_store: bool = False

    @property
    def campaigns(self) -> tuple[str, ...]:
        """Those who choose."""
        return tuple(plan.name for plan in self.world.campaigns)

    def asked(self, number: int, chosen: dict[str, str]) -> Json:
        """Everything that a round depends on."""
        plans = [str(plan) for plan in self.world.campaigns]
        known = {"population": self.world.population, "campaigns": plans, "in_store": self.in_store}
        return {"seed": self.seed + number, "chosen": chosen, "arena": known, "key": HASH_KEY}


def small() -> Arena:
    """The demo world with fewer innocents and four of its campaigns."""
    world = load_world("demo")
    population = {kind: max(1, round(CROWD * n)) for kind, n in world.population.items()}
    plans = [p for p in world.campaigns if p.name in CAMPAIGNS]
    return Arena(replace(world, population=population, campaigns=plans), 40_000)


def whole(names: Sequence[str]) -> dict[str, Arena]:
    """Worlds with all that is in them, on seeds of which no other is near, against an attacker with accounts in store."""
    return {name: Arena(load_world(name), 50_000 + 1_000 * k, in_store=True) for k, name in enumerate(names)}


def race(rounds: int, folder: Path, arena: Arena) -> Json | None:
    """Plays rounds that are not in the folder yet; None where there are none to play.

    Args:
        rounds: how many.
        folder: of finished parts.
        arena: where.

    Raises:
        DetectorError: the detector failed.
        OSError: the folder cannot be written.
    """
    if rounds == 0:
        return None
    bandit, told, rng = Bandit(tuple(EVASIONS)), [], np.random.default_rng(arena.seed)
    for number in range(rounds):
        # At first nobody hides: what each campaign gets through then is what hiding has to beat.
        order = rng.permutation(arena.campaigns).tolist()
        names = bandit.choose(rng, len(order)) if number else ["none"] * len(order)
        chosen = dict(sorted(zip(order, names, strict=True)))
        name = f"race-{arena.world.name}-{'store-' if arena.in_store else ''}{number}"
        got = Parts(folder).get(name, arena.asked(number, chosen), partial(_round, arena, chosen, arena.seed + number))
        told.append({"chosen": chosen} | got)
        for campaign, evasion in chosen.items():
            bandit.learn(evasion, _worth(got["passed"][campaign], told[0]["passed"][campaign]))
    return {"rounds": told, "evasions": _bought(told)}


def _worth(got: float, before: float) -> float:
    """Of a choice, 0–1: how much more gets through than the same campaign got through without hiding."""
    return (1 + got - before) / 2


def _bought(told: list[Json]) -> Json:
    """Of each way to hide: what got through, and how much more than the same campaign got through without hiding."""
    plain = told[0]["passed"]
    pulls = [(name, each["passed"][c], plain[c]) for each in told[1:] for c, name in each["chosen"].items()]
    return {
        arm: {
            "passed": asdict(interval([got for name, got, _ in pulls if name == arm])),
            "bought": asdict(interval([got - base for name, got, base in pulls if name == arm])),
        }
        for arm in EVASIONS
        if any(name == arm for name, _, _ in pulls)
    }


def _round(arena: Arena, chosen: dict[str, str], seed: int) -> Json:
    """What a gateway lets through that suspends, or throttles, whom it is told to."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        write(arena.world, out, seed)
        hide(out, chosen, seed)
        replay(out)
        replaced = 0
        if arena.in_store:
            replaced = replace_refused(out, bound(orders_in(out)), seed)
            replay(out)
        log, orders = read_log(out / "requests.ndjson", read_truth(out / "truth.json")), orders_in(out)
        through = {"suspend": passed(log, orders, "suspend"), "throttle": passed(log, orders, "throttle")}
    answered, benign = log.harvested(), log.benign()
    own = {campaign: log.hostile & (log.campaign == campaign) for campaign in chosen}
    return {
        "passed": {campaign: float(through["suspend"][rows].mean()) for campaign, rows in own.items()},
        "of_harvest": {mode: float(let[answered].mean()) for mode, let in through.items()},
        "benign_refused": {mode: float((~let[benign]).mean()) for mode, let in through.items()},
        "replaced": replaced,
    }


def hide(out: Path, chosen: dict[str, str], seed: int) -> None:
    """Changes a world's files as if its campaigns had hidden.

    Args:
        out: folder of the world.
        chosen: campaign → way to hide.
        seed: of the changes.
    """
    truth = json.loads((out / "truth.json").read_text())
    requests = marked(pl.read_ndjson(out / "requests.ndjson", infer_schema_length=None), truth["attack_times"])
    accounts = pl.read_ndjson(out / "accounts.ndjson", infer_schema_length=None)
    hidden = [a for campaign in chosen for a in truth["campaigns"][campaign]]
    others = requests.filter(~pl.col("account_id").is_in(hidden))
    ends = float(requests["ts"].min()), float(requests["ts"].max())  # type: ignore[arg-type]
    scenes = []
    for number, (campaign, evasion) in enumerate(sorted(chosen.items())):
        ours = pl.col("account_id").is_in(truth["campaigns"][campaign])
        scene = Scene(requests.filter(ours), accounts.filter(ours), others, ends)
        scenes.append(EVASIONS[evasion](np.random.default_rng([seed, number]), scene))
    rows = pl.concat([others, *(s.rows for s in scenes)]).sort("ts", maintain_order=True)
    still = accounts.filter(~pl.col("account_id").is_in(hidden))
    rows.drop("_attack").write_ndjson(out / "requests.ndjson")
    pl.concat([still, *(s.accounts for s in scenes)]).sort("account_id").write_ndjson(out / "accounts.ndjson")
    for scene in scenes:
        times = scene.rows.filter("_attack").sort("ts").group_by("account_id").agg("ts")
        truth["attack_times"] |= dict(times.iter_rows())
    (out / "truth.json").write_text(json.dumps(truth, sort_keys=True))
