"""Accounts that present reasoning artefacts of others are named; those that present their own are not."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from detector.config import Settings
from detector.coordination.keys import REASONING
from detector.service.replay import make_engine
from detector.simulator.generate import write
from detector.simulator.world import load_world
from streams.accounts import read_accounts
from streams.sources.files import FileSource

CODE = "REPLAYED_REASONING"
REPLAYERS = 60


def played(folder, *, artefacts):
    """The world `tiny`: its accounts, its exchanges in the order of time, and its truth."""
    world = load_world("tiny")
    write(replace(world, setting=replace(world.setting, artefacts=artefacts)), folder)
    frame = pl.concat([b.frame for b in FileSource([folder / "requests.ndjson"]).batches()]).sort("ts")
    return read_accounts(folder / "accounts.ndjson"), frame, json.loads((folder / "truth.json").read_text())


def looked_at(accounts, frame):
    """An engine that has seen all of it."""
    engine = make_engine(Settings(hash_key=7), accounts, None)
    for piece in frame.iter_slices(1000):
        engine.process(piece)
    engine.finish()
    return engine


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """Sixty unrelated people present what others were issued, of fifty artefacts that go round; who they are, and the engine."""
    accounts, frame, truth = played(tmp_path_factory.mktemp("world"), artefacts=False)
    people = [a for a, kind in truth["archetype"].items() if kind in {"human", "script"}][:REPLAYERS]
    number = pl.int_range(1, pl.len() + 1)
    theirs = pl.col("account_id").is_in(people)
    shown = pl.concat_list([pl.format("sig{}", number % 50 + k) for k in range(5)])
    own, public = pl.concat_list(pl.format("own{}", number)), pl.concat_list(pl.format("sig{}", number % 50))
    frame = frame.with_columns(
        reasoning_refs_in=pl.when(theirs).then(shown), reasoning_refs_out=pl.when(theirs).then(own).otherwise(public)
    )
    return set(people), looked_at(accounts, frame)


def alerts_of(engine):
    return [a for a in engine.alerts.alerts() if any(r.code == CODE for r in a.reasons)]


def test_people_who_present_others_artefacts_are_named_and_hardly_anybody_else(replayed):
    people, engine = replayed
    told = alerts_of(engine)
    named = {account for alert in told for account in alert.accounts}
    assert len(named & people) >= 0.7 * REPLAYERS
    assert len(named - people) <= 0.05 * len(named)
    assert {alert.severity for alert in told} <= {"high", "critical"}
    for alert in told:
        assert alert.evidence["links"]["reasoning"] > 0
        assert any(w["kind"] == "link" and w["name"] == "reasoning" for w in alert.evidence["explanation"]["without"])


def test_clients_that_send_their_own_back_share_no_artefact(tmp_path):
    accounts, frame, _ = played(tmp_path, artefacts=True)
    assert frame["reasoning_refs_in"].null_count() < frame.height
    engine = looked_at(accounts, frame)
    assert engine.store.accounts.issued.any()
    assert engine.store.accounts.presented.any()
    table = engine.coordinator.table
    held = table.holders[: table.keys]
    artefacts = (table.hashed[: table.keys] >> np.uint64(56)) == REASONING + 1
    assert artefacts.any()
    assert held[artefacts].max() == 1
    assert alerts_of(engine) == []
