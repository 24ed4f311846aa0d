"""Plays a world: request log, account file, events and truth, the same bytes for the same seed."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from detector.simulator.accounts import DAY_S
from detector.simulator.campaigns import CAMPAIGNS
from detector.simulator.evasions import evade
from detector.simulator.population import INNOCENTS
from detector.simulator.traffic import Traffic, render
from detector.simulator.world import World

_SLICE = 50_000  # rows written at a time


@dataclass(frozen=True)
class Written:
    """What was written."""

    exchanges: int
    accounts: int
    hostile: int


def _scaled(world: World, scale: float) -> World:
    population = {k: max(1, round(n * scale)) for k, n in world.population.items()}
    campaigns = [replace(p, accounts=max(1, round(p.accounts * scale))) for p in world.campaigns]
    return replace(world, population=population, campaigns=campaigns)


def play(world: World, seed: int | None = None, scale: float = 1.0) -> list[tuple[Traffic, pl.DataFrame]]:
    """Traffic of all crowds with their exchanges.

    Args:
        world: what to play.
        seed: instead of the world's own.
        scale: factor on all numbers of accounts.
    """
    world = _scaled(world, scale) if scale != 1.0 else world
    # Each crowd has a stream of chance of its own: adding one leaves the others as they were.
    root = np.random.SeedSequence(world.seed if seed is None else seed)
    parts = [(INNOCENTS[k], n) for k, n in sorted(world.population.items()) if n > 0]
    made: list[tuple[Traffic, pl.DataFrame]] = []
    streams = root.spawn(len(parts) + len(world.campaigns))
    for (maker, n), stream in zip(parts, streams, strict=False):
        rng = np.random.default_rng(stream)
        made += [(t, render(rng, t, world.setting)) for t in maker(rng, world.setting, n)]
    for plan, stream in zip(world.campaigns, streams[len(parts) :], strict=True):
        rng = np.random.default_rng(stream)
        traffic = CAMPAIGNS[plan.kind](rng, world.setting, plan)
        if plan.evasions:
            # Of their own stream: the campaign's accounts are the same with and without them.
            evading = np.random.default_rng(stream.spawn(1)[0])
            traffic = evade(evading, world.setting, traffic, plan.evasions)
        made += [(t, render(rng, t, world.setting)) for t in traffic]
    return made


def truth_of(made: list[tuple[Traffic, pl.DataFrame]]) -> dict[str, object]:
    """Labels: who attacked, with what, when."""
    campaigns: dict[str, list[str]] = {}
    archetype: dict[str, str] = {}
    times: dict[str, list[float]] = {}
    for t, frame in made:
        ids = t.crowd.frame["account_id"].to_list()
        archetype.update(dict.fromkeys(ids, t.crowd.archetype))
        if t.crowd.campaign is None:
            continue
        campaigns[t.crowd.campaign] = sorted({*campaigns.get(t.crowd.campaign, []), *ids})
        own = frame.filter("_attack").sort("ts").group_by("account_id", maintain_order=True).agg("ts")
        for account, ts in own.iter_rows():
            times[account] = sorted([*times.get(account, []), *ts])
    return {"campaigns": campaigns, "archetype": archetype, "attack_times": times}


def _accounts(made: list[tuple[Traffic, pl.DataFrame]]) -> pl.DataFrame:
    columns = (
        "account_id",
        "org_id",
        "created_at",
        "tier",
        "payment_fingerprint",
        "signup_email_domain",
        "country",
        "allowances",
    )
    frames = []
    for t, _ in made:
        frame = t.crowd.frame
        if "allowances" not in frame.columns:
            frame = frame.with_columns(pl.Series("allowances", [[]] * frame.height, dtype=pl.List(pl.String)))
        frames.append(frame.select(columns))
    return pl.concat(frames).unique("account_id", keep="first", maintain_order=True).sort("account_id")


def write(world: World, out: Path, seed: int | None = None, scale: float = 1.0) -> Written:
    """Write `requests.ndjson`, `accounts.ndjson`, `events.ndjson` and `truth.json` into a folder.

    Args:
        world: what to play.
        out: made where it is missing.
        seed: as in `play`.
        scale: the same.

    Raises:
        OSError: the folder cannot be written.
    """
    made = play(world, seed, scale)
    out.mkdir(parents=True, exist_ok=True)
    frame = pl.concat([f for _, f in made], how="diagonal").sort("ts", maintain_order=True)
    rng = np.random.default_rng((world.seed if seed is None else seed) + 1)
    serial = rng.integers(0, 1 << 32, frame.height)
    ids = pl.DataFrame({"a": serial, "b": np.arange(frame.height)}).select(
        pl.format("req_{}_{}", pl.col("a").cast(pl.String), pl.col("b").cast(pl.String)).alias("request_id")
    )["request_id"]
    frame = frame.drop("_attack").insert_column(1, ids)
    with (out / "requests.ndjson").open("wb") as file:
        for part in frame.iter_slices(_SLICE):
            part.write_ndjson(file)
    accounts = _accounts(made)
    accounts.write_ndjson(out / "accounts.ndjson")
    start = world.setting.start
    events = [{"ts": start + d * DAY_S, "kind": "model_launch", "model": m} for d, m in world.setting.launches]
    events += [{"ts": start + d * DAY_S, "kind": "ban"} for d in world.setting.bans]
    lines = [json.dumps(e) for e in sorted(events, key=lambda e: float(str(e["ts"])))]
    (out / "events.ndjson").write_text("".join(f"{line}\n" for line in lines))
    truth = truth_of(made)
    (out / "truth.json").write_text(json.dumps(truth, sort_keys=True))
    hostile = {a for ids in truth["campaigns"].values() for a in ids} if isinstance(truth["campaigns"], dict) else set()
    return Written(frame.height, accounts.height, len(hostile))
