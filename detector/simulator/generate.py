"""Plays a world: request log, account file, events and truth, the same bytes for the same seed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl

from detector.simulator.accounts import DAY_S
from detector.simulator.ahead import ahead
from detector.simulator.campaigns import CAMPAIGNS
from detector.simulator.evasions import evade
from detector.simulator.population import AT_ONCE, INNOCENTS
from detector.simulator.spool import Spool
from detector.simulator.traffic import Traffic, render
from detector.simulator.truth import Truth
from detector.simulator.world import World

_SLICE = 25_000  # rows turned into text at a time

Played = tuple[Traffic, pl.DataFrame]


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


def _chunks(kind: str, n: int) -> list[int]:
    """Sizes of the parts in which a kind is made, so that no part is large."""
    most = AT_ONCE[kind]
    parts = -(-n // most)
    return [n * (i + 1) // parts - n * i // parts for i in range(parts)]


def _stream(seed: int, name: str) -> np.random.SeedSequence:
    """A stream of chance of its own for each crowd: adding one leaves the others as they were."""
    return np.random.SeedSequence([seed, *name.encode()])


def crowds(world: World, seed: int | None = None, scale: float = 1.0) -> Iterator[Played]:
    """Traffic of all crowds with their exchanges, one after the other.

    Args:
        world: what to play.
        seed: instead of the world's own.
        scale: factor on all numbers of accounts.
    """
    world = _scaled(world, scale) if scale != 1.0 else world
    start = world.seed if seed is None else seed
    for kind, n in sorted(world.population.items()):
        if n == 0:
            continue
        sizes, stream = _chunks(kind, n), _stream(start, kind)
        for size, own in zip(sizes, [stream] if len(sizes) == 1 else stream.spawn(len(sizes)), strict=True):
            rng = np.random.default_rng(own)
            for t in INNOCENTS[kind](rng, world.setting, size):
                yield t, render(rng, t, world.setting)
    for plan in world.campaigns:
        stream = _stream(start, f"campaign {plan.name}")
        rng = np.random.default_rng(stream)
        traffic = CAMPAIGNS[plan.kind](rng, world.setting, plan)
        if plan.evasions:
            # Of their own stream: the campaign's accounts are the same with and without them.
            evading = np.random.default_rng(stream.spawn(1)[0])
            traffic = evade(evading, world.setting, traffic, plan.evasions)
        for t in traffic:
            yield t, render(rng, t, world.setting)


def play(world: World, seed: int | None = None, scale: float = 1.0) -> list[Played]:
    """The same, all at once, for a world that fits into memory."""
    return list(crowds(world, seed, scale))


def _text(rows: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    rows.write_ndjson(buffer)
    return buffer.getvalue()


def _numbered(parts: Iterator[pl.DataFrame], seed: int) -> Iterator[pl.DataFrame]:
    """Slices of the log with request ids."""
    rng, before = np.random.default_rng(seed + 1), 0
    for whole in parts:
        for part in whole.iter_slices(_SLICE):
            serial = rng.integers(0, 1 << 32, part.height)
            ids = pl.DataFrame({"a": serial, "b": np.arange(before, before + part.height)}).select(
                pl.format("req_{}_{}", pl.col("a").cast(pl.String), pl.col("b").cast(pl.String)).alias("request_id")
            )["request_id"]
            before += part.height
            yield part.drop("_attack").insert_column(1, ids)


def _events(world: World) -> list[dict[str, object]]:
    start = world.setting.start
    events: list[dict[str, object]] = [
        {"ts": start + d * DAY_S, "kind": "model_launch", "model": m} for d, m in world.setting.launches
    ]
    events += [{"ts": start + d * DAY_S, "kind": "ban"} for d in world.setting.bans]
    return sorted(events, key=lambda e: float(str(e["ts"])))


def write(world: World, out: Path, seed: int | None = None, scale: float = 1.0) -> Written:
    """Write `requests.ndjson`, `accounts.ndjson`, `events.ndjson` and `truth.json` into a folder.

    Memory is bounded by the largest crowd and the busiest hour, not by the world.

    Args:
        world: what to play.
        out: made where it is missing.
        seed: instead of the world's own.
        scale: factor on all numbers of accounts.

    Raises:
        OSError: the folder cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    truth = Truth()
    with Spool(out, world.setting.start) as spool:
        for t, frame in crowds(world, seed, scale):
            truth.add(t, frame)
            spool.add(frame)
        with (out / "requests.ndjson").open("wb") as file:
            parts = _numbered(spool.sorted(), world.seed if seed is None else seed)
            for text in ahead(partial(_text, part) for part in parts):
                file.write(text)
    accounts = truth.accounts()
    accounts.write_ndjson(out / "accounts.ndjson")
    (out / "events.ndjson").write_text("".join(f"{json.dumps(e)}\n" for e in _events(world)))
    (out / "truth.json").write_text(json.dumps(truth.labels(), sort_keys=True))
    return Written(spool.rows, accounts.height, truth.hostile)
