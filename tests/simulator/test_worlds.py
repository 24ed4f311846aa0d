"""Worlds: the same seed gives the same bytes, and the truth fits the traffic."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from detector.simulator.campaigns import CAMPAIGNS, Plan
from detector.simulator.generate import write
from detector.simulator.population import INNOCENTS
from detector.simulator.traffic import Setting, render
from detector.simulator.world import WorldError, load_world
from streams.exchange import EXCHANGE_SCHEMA

SETTING = Setting(1772409600.0, 3.0, "sage-3", "sage-embed-1", ((1.5, "sage-4"),), (1.0,))


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    write(load_world("tiny"), tmp_path / "a")
    write(load_world("tiny"), tmp_path / "b")
    for name in ("requests.ndjson", "accounts.ndjson", "truth.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_truth_fits_the_traffic(tmp_path):
    write(load_world("tiny"), tmp_path)
    truth = json.loads((tmp_path / "truth.json").read_text())
    log = pl.read_ndjson(tmp_path / "requests.ndjson", infer_schema_length=None)
    assert log["ts"].is_sorted()
    assert set(log.columns) <= set(EXCHANGE_SCHEMA)
    times = {a: set(g["ts"].to_list()) for (a,), g in log.group_by("account_id")}
    for campaign in truth["campaigns"].values():
        for account in campaign:
            assert set(truth["attack_times"][account]) <= times[account]


@pytest.mark.parametrize("kind", sorted(INNOCENTS))
def test_every_innocent_makes_traffic(kind):
    rng = np.random.default_rng(3)
    for traffic in INNOCENTS[kind](rng, SETTING, 3):
        frame = render(rng, traffic, SETTING)
        assert frame.height > 0
        assert not frame["_attack"].any()
        assert frame["ts"].is_between(SETTING.start - 1, SETTING.start + 3 * 86_400 + 1).all()


@pytest.mark.parametrize("kind", sorted(CAMPAIGNS))
def test_every_campaign_attacks(kind):
    rng = np.random.default_rng(3)
    made = CAMPAIGNS[kind](rng, SETTING, Plan("c", kind, 8, 12.0, dilution=0.5))
    assert all(t.crowd.campaign == "c" for t in made)
    assert sum(int(render(rng, t, SETTING)["_attack"].sum()) for t in made) > 8


def test_all_campaigns_fit_into_one_world(tmp_path):
    world = load_world("tiny")
    plans = [Plan(kind, kind, 6, 8.0, days=2.0, dilution=0.5) for kind in sorted(CAMPAIGNS)]
    write(replace(world, campaigns=plans), tmp_path)
    assert sorted(json.loads((tmp_path / "truth.json").read_text())["campaigns"]) == sorted(CAMPAIGNS)


def test_an_unknown_world_is_named():
    with pytest.raises(WorldError, match="no world named nowhere"):
        load_world("nowhere")


def test_another_seed_gives_other_texts(tmp_path):
    texts = []
    for seed in (1, 2):
        write(load_world("tiny"), tmp_path / str(seed), seed)
        texts.append(set(pl.read_ndjson(tmp_path / str(seed) / "requests.ndjson", infer_schema_length=None)["prompt"]))
    shared = len(texts[0] & texts[1]) / min(map(len, texts))
    assert shared < 0.05
