"""Many new ids at once, and ids that are chosen to collide: time and state stay bounded."""

import time

import numpy as np
import polars as pl

from detector.config import Settings
from detector.profiles.hashing import hash_strings
from detector.profiles.layout import PANES
from detector.profiles.slots import assign
from detector.profiles.store import ProfileStore
from detector.service.replay import make_engine
from streams.validate import canonical

DAY_S = 86_400
START = 1_772_409_600
FLOOD = 200_000
TABLE = 1 << 12


def wave(first: int, n: int, start: float, seconds: float) -> pl.DataFrame:
    """One exchange each of n accounts that were never seen."""
    number = pl.int_range(first, first + n, eager=True)
    us = ((start + np.arange(n) * (seconds / n)) * 1e6).astype(np.int64)
    return canonical(
        pl.DataFrame(
            {
                "ts": pl.Series(us).cast(pl.Datetime("us", "UTC")),
                "request_id": pl.select(pl.format("r-{}", number)).to_series(),
                "account_id": pl.select(pl.format("acct-{}", number)).to_series(),
                "model": ["sage-3"] * n,
                "prompt": pl.select(pl.format("what does word number {} mean", number)).to_series(),
            }
        )
    )


def panes(store: ProfileStore) -> int:
    return store.panes.slot.shape[0] - int(store.free[-1])


def test_a_flood_of_new_accounts_costs_bounded_time_and_state_and_is_forgotten():
    engine = make_engine(Settings(hash_key=7), None, None)
    engine.process(wave(0, 1000, START, 60))  # compiles, where nothing is compiled yet
    started = time.monotonic()
    for first in range(1000, FLOOD + 1000, 10_000):
        engine.process(wave(first, 10_000, START + first / 50, 200))
    took = time.monotonic() - started
    store = engine.store
    assert took < 90  # 5 seconds where nothing else runs
    assert len(store) == FLOOD + 1000
    assert store.state_bytes() / len(store) < 2048
    assert panes(store) <= PANES * len(store)
    assert engine.alerts.alerts() == []
    # A week later what they did is gone, and the next ones get its rows.
    rows = store.panes.slot.shape[0]
    engine.process(wave(10**9, 50_000, START + 9 * DAY_S, 3600))
    engine.finish()
    assert panes(store) == 50_000
    assert store.panes.slot.shape[0] == rows


def probes(idents: np.ndarray) -> int:
    """The longest way from where an id belongs to where it lies."""
    keys, slots = np.zeros(TABLE, np.uint64), np.zeros(TABLE, np.int32)
    out, first = np.empty(idents.size, np.int32), np.empty(idents.size, np.int32)
    assert assign(keys, slots, idents, 0, out, first) == idents.size
    at = {int(k): i for i, k in enumerate(keys) if k}
    return max((at[int(i)] - int(home)) % TABLE for i, home in zip(idents, homes(idents), strict=True))


def homes(idents: np.ndarray) -> np.ndarray:
    return (idents ^ (idents >> np.uint64(32))) & np.uint64(TABLE - 1)


def test_ids_that_collide_under_one_key_do_not_under_another():
    names = pl.Series([f"acct-{i}" for i in range(400_000)])
    known = hash_strings(names, 7)
    chosen = names.filter(pl.Series(homes(known) < 4))  # what an attacker would send who knew the key
    assert chosen.len() > 300
    flooded, spread = (hash_strings(chosen, key) for key in (7, 8))
    assert not set(flooded.tolist()) & set(spread.tolist())
    assert probes(flooded) > 300
    assert probes(spread) < 20


def test_each_installation_draws_its_own_key():
    keys = {Settings(hash_key=0).key() for _ in range(20)}
    assert len(keys) == 20
    assert min(keys) > 1 << 40
