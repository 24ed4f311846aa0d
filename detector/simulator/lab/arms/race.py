"""Rounds of attack, detection and change.

The attacker knows only which requests of its own accounts were refused. Every round it comes back with fresh accounts
in a fresh world.
"""

import json
import tempfile
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from detector.evaluation.inputs import read_truth
from detector.simulator.generate import write
from detector.simulator.lab.arms.bandit import Bandit
from detector.simulator.lab.arms.evasions import EVASIONS, Scene
from detector.simulator.lab.enforcement import passed, read_log
from detector.simulator.lab.intervals import interval
from detector.simulator.lab.parts import Parts
from detector.simulator.lab.watch import HASH_KEY, orders_in, replay
from detector.simulator.world import World, load_world

Json = dict[str, Any]
CAMPAIGNS: Final = ("shared_cards", "task_list", "injected", "replaced")  # of the demo world; each chooses once a round
CROWD: Final = 0.25  # of the demo world's innocents
_SEED: Final = 40_000  # of the first round's world


def arena() -> World:
    """The demo world with fewer innocents and four of its campaigns."""
    world = load_world("demo")
    population = {kind: max(1, round(CROWD * n)) for kind, n in world.population.items()}
    return replace(world, population=population, campaigns=[p for p in world.campaigns if p.name in CAMPAIGNS])


def race(rounds: int, folder: Path) -> Json | None:
    """Plays rounds that are not in the folder yet; None where there are none to play.

    Args:
        rounds: how many.
        folder: of finished parts.

    Raises:
        DetectorError: the detector failed.
        OSError: the folder cannot be written.
    """
    if rounds == 0:
        return None
    bandit, told, rng = Bandit(tuple(EVASIONS)), [], np.random.default_rng(_SEED)
    for number in range(rounds):
        # At first nobody hides: what each campaign gets through then is what hiding has to beat.
        names = bandit.choose(rng, len(CAMPAIGNS)) if number else ["none"] * len(CAMPAIGNS)
        chosen = dict(zip(CAMPAIGNS, names, strict=True))
        asked = {"seed": _SEED + number, "chosen": chosen, "arena": _known(arena()), "key": HASH_KEY}
        got = Parts(folder).get(f"race-{number}", asked, partial(_round, chosen, _SEED + number))
        for campaign, evasion in chosen.items():
            bandit.learn(evasion, got[campaign])
        told.append({"chosen": chosen, "passed": got})
    return {"rounds": told, "evasions": _bought(told)}


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


def _known(world: World) -> Json:
    return {"population": world.population, "campaigns": [str(plan) for plan in world.campaigns]}


def _round(chosen: dict[str, str], seed: int) -> dict[str, float]:
    """Share of each campaign's requests that a gateway lets through which suspends whom it is told to."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        write(arena(), out, seed)
        hide(out, chosen, seed)
        replay(out)
        log = read_log(out / "requests.ndjson", read_truth(out / "truth.json"))
        through = passed(log, orders_in(out), "suspend")
    own = {campaign: log.hostile & (log.campaign == campaign) for campaign in chosen}
    return {campaign: float(through[rows].mean()) for campaign, rows in own.items()}


def hide(out: Path, chosen: dict[str, str], seed: int) -> None:
    """Changes a world's files as if its campaigns had hidden.

    Args:
        out: folder of the world.
        chosen: campaign → way to hide.
        seed: of the changes.
    """
    requests = pl.read_ndjson(out / "requests.ndjson", infer_schema_length=None)
    accounts = pl.read_ndjson(out / "accounts.ndjson", infer_schema_length=None)
    truth = json.loads((out / "truth.json").read_text())
    attacks = [(a, round(1e3 * t)) for a, times in truth["attack_times"].items() for t in times]
    known = pl.DataFrame(attacks, schema={"account_id": pl.String, "_ms": pl.Int64}, orient="row").unique()
    requests = (
        requests.with_columns(_ms=(pl.col("ts") * 1e3).round().cast(pl.Int64))
        .join(known.with_columns(_attack=pl.lit(value=True)), on=["account_id", "_ms"], how="left")
        .with_columns(pl.col("_attack").fill_null(value=False))
        .drop("_ms")
    )
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
