"""Worlds: the same seed gives the same bytes, and the truth fits the traffic."""

import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from detector.simulator import spool
from detector.simulator.arrivals import renewal
from detector.simulator.campaigns import CAMPAIGNS, Plan
from detector.simulator.evasions import EVASIONS
from detector.simulator.generate import play, write
from detector.simulator.habits import draw_habits
from detector.simulator.population import AT_ONCE, INNOCENTS
from detector.simulator.texts import wrappers
from detector.simulator.traffic import Setting, render
from detector.simulator.world import WorldError, load_world
from streams.exchange import EXCHANGE_SCHEMA

SETTING = Setting(1772409600.0, 3.0, "sage-3", "sage-embed-1", ((1.5, "sage-4"),), (1.0,))


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    write(load_world("tiny"), tmp_path / "a")
    write(load_world("tiny"), tmp_path / "b")
    for name in ("requests.ndjson", "accounts.ndjson", "truth.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_world_that_goes_through_the_disk_has_the_same_bytes(tmp_path, monkeypatch):
    write(load_world("tiny"), tmp_path / "memory")
    monkeypatch.setattr(spool, "_HELD", 1000)
    write(load_world("tiny"), tmp_path / "disk")
    for name in ("requests.ndjson", "accounts.ndjson", "events.ndjson", "truth.json"):
        assert (tmp_path / "memory" / name).read_bytes() == (tmp_path / "disk" / name).read_bytes()
    assert sorted(p.name for p in (tmp_path / "disk").iterdir()) == sorted(
        p.name for p in (tmp_path / "memory").iterdir()
    )


def test_a_large_population_is_made_in_parts(monkeypatch):
    world = replace(load_world("tiny"), population={"script": 90}, campaigns=[])
    assert len(play(world)) == 1
    monkeypatch.setitem(AT_ONCE, "script", 40)
    made = play(world)
    assert [t.crowd.size for t, _ in made] == [30, 30, 30]
    assert len({a for t, _ in made for a in t.crowd.frame["account_id"]}) == 90


def test_shipped_worlds_keep_their_bytes(tmp_path):
    write(load_world("tiny"), tmp_path)
    # Figures and references elsewhere depend on the shipped worlds; a change here changes them all.
    digest = hashlib.sha256((tmp_path / "truth.json").read_bytes()).hexdigest()
    assert digest.startswith("9d17f884726f5944")


@pytest.mark.parametrize("name", ["demo", "evasive", "nightmare", "reported-2026"])
def test_a_world_is_written_at_the_smallest_scale(tmp_path, name):
    made = write(load_world(name), tmp_path, scale=0.001)
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert made.exchanges > 0
    assert made.hostile == len({account for pool in truth["campaigns"].values() for account in pool})


def test_habits_of_nobody_have_the_types_of_everybody():
    rng = np.random.default_rng(1)
    assert draw_habits(rng, 0).schema == draw_habits(rng, 200).schema


def test_needle_has_two_campaigns_of_fifty_among_200_000():
    world = load_world("needle")
    assert sorted(plan.accounts for plan in world.campaigns) == [50, 50]
    single = {"human", "mixed_use", "script", "product", "hobby_synthesis"}
    assert 190_000 < sum(n for kind, n in world.population.items() if kind in single) < 200_000


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


@pytest.mark.parametrize("requests", [1, 2, 40])
def test_products_do_not_begin_on_the_hour(requests):
    n = 300
    a = renewal(np.random.default_rng(5), np.full(n, requests), np.full(n, 0.5), np.full(n, 0.3), 0.0, 7.0)
    first = pl.DataFrame({"account": a.account, "ts": a.ts}).group_by("account").agg(pl.col("ts").min())["ts"]
    within = (first % 3600.0).to_numpy()
    assert not (within < 1e-3).any()
    assert within.std() > 300.0


@pytest.mark.parametrize("name", ["evasive", "nightmare"])
def test_every_kind_of_campaign_evades_among_every_kind_of_innocent(name):
    world = load_world(name)
    assert {plan.kind for plan in world.campaigns} == set(CAMPAIGNS)
    assert all(plan.evasions for plan in world.campaigns)
    assert set(world.population) == set(INNOCENTS)
    assert {e for plan in world.campaigns for e in plan.evasions} == set(EVASIONS)
    assert world.setting.bans


@pytest.mark.parametrize("name", ["demo", "quiet"])
def test_some_permitted_distillers_have_an_allowance(name):
    world = load_world(name)
    kind = "sanctioned_distillation"
    made = INNOCENTS[kind](np.random.default_rng(1), world.setting, world.population[kind])
    known = [bool(x) for t in made for x in t.crowd.frame["allowances"].to_list()]
    assert set(known) == {True, False}


ATTACKERS = (
    wrappers.reasoning,
    wrappers.grading,
    wrappers.synthesis,
    wrappers.agentic,
    wrappers.extraction,
    wrappers.coercion,
)
OTHERS = (wrappers.hobby, wrappers.licensed, wrappers.practice)
SYSTEMS = (
    wrappers.product_system,
    wrappers.office_system,
    wrappers.framework_prompt,
    wrappers.agent_system,
    wrappers.judge_system,
)


def _runs(texts, size=4):
    """Runs of words in any of the texts."""
    words = [re.findall(r"\w+", text.lower()) for text in texts]
    return {tuple(w[i : i + size]) for w in words for i in range(len(w) - size + 1)}


def test_innocents_share_no_wording_with_campaigns():
    rng = np.random.default_rng(9)
    hostile = _runs(part for make in ATTACKERS for _ in range(300) for part in make(rng))
    for make in OTHERS:
        assert not hostile & _runs(part for _ in range(300) for part in make(rng)), make.__name__
    for make in SYSTEMS:
        assert not hostile & _runs(make(rng) for _ in range(300)), make.__name__
    assert hostile & _runs(wrappers.reasoning(rng)), "the runs of one kind are found again"
