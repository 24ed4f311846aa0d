"""Profiles made by two processes and merged give the scores of one: accounts and clusters alike."""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from forked import CONTEXT, server

from detector.config import Settings
from detector.coordination.clusters import active_slots
from detector.coordination.coordinator import find_clusters
from detector.profiles.merge import merge
from detector.scoring.scorer import CLUSTER
from detector.service.looks import score
from detector.service.replay import make_engine
from detector.simulator.generate import write
from detector.simulator.world import load_world
from streams.accounts import read_accounts
from streams.sources.files import FileSource

SETTINGS = Settings(hash_key=99)


def profiled(folder: Path, part: int | None):
    """The store of one process, and what else it learned; `part` chooses every second account."""
    engine = make_engine(SETTINGS, read_accounts(folder / "accounts.ndjson"), None)
    for batch in FileSource([str(folder / "requests.ndjson")]).batches():
        frame = batch.frame
        if part is not None:
            frame = frame.filter(pl.col("account_id").hash(1) % 2 == part)
        engine.process(frame)
    return engine.store, engine.seen, engine.now


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    write(load_world("tiny"), folder)
    server()
    with ProcessPoolExecutor(2, mp_context=CONTEXT) as pool:
        parts = list(pool.map(profiled, [folder, folder], [0, 1]))
    return folder, profiled(folder, None), parts


def scores(folder, store, seen, now):
    engine = make_engine(SETTINGS, read_accounts(folder / "accounts.ndjson"), None)
    engine.store, engine.seen, engine.now = store, seen, now
    slots = active_slots(store, now + 1)
    scored = score(engine.scorer, [engine.look(slots, engine.moment(now + 1))])
    accounts = dict(zip([store.ids[s] for s in slots], scored.score.tolist(), strict=True))
    clusters = find_clusters(store, engine.accounts, engine.moment(now + 1))
    of = engine.scorer.score(clusters.frame, CLUSTER).score
    named = {tuple(sorted(store.ids[s] for s in clusters.members(g))): float(of[g]) for g in range(of.size)}
    return accounts, named


def test_two_processes_merged_score_as_one(stores):
    folder, whole, parts = stores
    (first, seen, now), (second, more, later) = parts
    merged = merge(first, second)
    one = scores(folder, *whole)
    two = scores(folder, merged, seen | more, max(now, later))
    assert one[0].keys() == two[0].keys()
    assert np.allclose([one[0][a] for a in one[0]], [two[0][a] for a in one[0]])
    assert max(one[0].values()) > 0
    assert one[1].keys() == two[1].keys()
    assert np.allclose([one[1][c] for c in one[1]], [two[1][c] for c in one[1]])
    assert max(one[1].values()) > 0
