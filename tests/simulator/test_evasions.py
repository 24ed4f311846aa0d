"""Evasions: each changes what it says, nothing at strength 0, and leaves relayed customers alone."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import yaml

from detector.simulator.campaigns import CAMPAIGNS, Plan
from detector.simulator.evasions import EVASIONS, evade
from detector.simulator.generate import play
from detector.simulator.habits import AGENTS, tls_stack
from detector.simulator.traffic import Setting, render
from detector.simulator.world import WorldError, load_world, shipped

SETTING = Setting(
    1772409600.0, 4.0, "sage-3", "sage-embed-1", ((1.5, "sage-4"),), (2.0,), (("sage-mini", 0.2),), artefacts=True
)


def made(kind, wanted, *, accounts=24, per_day=10.0, **more):
    rng = np.random.default_rng(3)
    plan = Plan("c", kind, accounts, per_day, days=4.0, dilution=0.5, **more)
    traffic = evade(np.random.default_rng(4), SETTING, CAMPAIGNS[kind](rng, SETTING, plan), wanted)
    return traffic, pl.concat([render(np.random.default_rng(5), t, SETTING) for t in traffic], how="diagonal")


@pytest.mark.parametrize("kind", sorted(CAMPAIGNS))
def test_every_campaign_takes_every_evasion(kind):
    _, plain = made(kind, {})
    _, log = made(kind, dict.fromkeys(EVASIONS, 0.7))
    assert log["_attack"].sum() == plain["_attack"].sum()
    assert log["ts"].is_between(SETTING.start, SETTING.start + 4 * 86_400).all()
    assert set(log["account_id"]) == set(plain["account_id"])


@pytest.mark.parametrize("name", sorted(EVASIONS))
def test_strength_nought_changes_nothing(name):
    assert made("wrapper_hydra", {name: 0.0})[1].equals(made("wrapper_hydra", {})[1])


@pytest.mark.parametrize("name", sorted(EVASIONS))
def test_relayed_customers_write_what_they_wrote(name):
    plain, log = made("diluted_proxy", {})[1], made("diluted_proxy", {name: 1.0})[1]
    texts = [f.filter(~pl.col("_attack"))["prompt"].to_list() for f in (plain, log)]
    assert texts[1][: len(texts[0])] == texts[0]


def test_jitter_ends_common_silence():
    gaps = []
    for wanted in ({}, {"jitter": 1.0}):
        hours = ((made("reasoning_hydra", wanted)[1]["ts"] // 3600) % 24).cast(pl.Int64).value_counts()
        gaps.append(24 - hours.height)
    assert gaps[0] > 6
    assert gaps[1] == 0


@pytest.mark.parametrize("name", ["jitter", "human_hours", "slow_ramp"])
def test_loops_of_tools_stay_together(name):
    traffic = made("agentic_harvest", {name: 1.0})[0][0]
    a = traffic.arrivals
    loops = (
        pl.DataFrame({"s": a.session, "ts": a.ts, "turn": a.turn})
        .group_by("s")
        .agg(pl.col("ts").max() - pl.col("ts").min())
    )
    assert a.turn.max() > 3
    # Reflected ends of the world may tear one or two apart.
    assert (loops["ts"] < 3600.0).mean() > 0.95


def test_human_hours_follow_the_time_zone():
    traffic, log = made("wrapper_hydra", {"human_hours": 1.0}, accounts=60)
    zone = traffic[0].crowd.frame["_zone"].to_numpy()[traffic[0].arrivals.account]
    local = (log["ts"].to_numpy() / 3600.0 + zone) % 24
    assert (local < 6).mean() < 0.09
    plain = made("wrapper_hydra", {}, accounts=60)[1]["ts"].to_numpy()
    assert ((plain / 3600.0 + zone) % 24 < 6).mean() > 0.2


def test_residential_accounts_share_no_network():
    network = pl.col("ip").str.extract(r"^(.*)\.\d+$")
    shared = []
    for wanted in ({}, {"residential": 1.0}):
        log = made("launch_pivot", wanted)[1]
        shared.append(log.group_by(network).agg(pl.col("account_id").n_unique())["account_id"].max())
    assert shared[0] > 2
    assert shared[1] == 1


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_a_share_of_the_cards_becomes_unique(strength):
    frame = made("reasoning_hydra", {"unique_payments": strength}, accounts=100)[0][0].crowd.frame
    alone = frame.filter(pl.len().over("payment_fingerprint") == 1).height
    assert alone == pytest.approx(100 * strength, abs=15)


def test_headers_become_the_most_frequent_ones():
    log = made("swarm", {"header_normalisation": 1.0})[1]
    assert log["user_agent"].unique().to_list() == [AGENTS[0]]
    assert log["tls_fingerprint"].unique().to_list() == [tls_stack(0)]


def test_a_slow_ramp_begins_small():
    start = SETTING.start + 2 * 86_400
    early = [(made("wrapper_hydra", w)[1]["ts"] < start).mean() for w in ({}, {"slow_ramp": 1.0})]
    assert early[0] == pytest.approx(0.5, abs=0.1)
    assert early[1] < 0.25


def test_templates_mutate_from_one_wording_to_one_for_each_account():
    openings = []
    for strength in (0.0, 0.5, 1.0):
        texts = made("fixed_prompt", {"template_mutation": strength}, accounts=60, per_day=5.0)[1]["system_prompt"]
        openings.append(texts.n_unique())
    assert openings[0] == 1
    assert 4 <= openings[1] <= 10
    assert openings[2] > 30


def test_translation_leaves_the_language():
    log = made("reasoning_hydra", {"translation": 1.0})[1]
    plain = made("reasoning_hydra", {})[1]
    assert not set(log["prompt"].str.slice(0, 12)) & set(plain["prompt"].str.slice(0, 12))
    assert log["prompt"].str.contains("{", literal=True).sum() == 0
    by_account = log.group_by("account_id").agg(pl.col("prompt").str.slice(0, 12).n_unique().alias("k"))
    assert by_account["k"].max() == 1


def test_mixed_models_are_there_at_their_time():
    log = made("low_and_slow", {"mixed_models": 1.0})[1]
    early = log.filter(pl.col("ts") < SETTING.start + 1.5 * 86_400)
    assert set(early["model"]) == {"sage-3", "sage-mini"}
    assert log["model"].n_unique() == 3


def test_decoys_follow_up_in_the_same_conversation():
    traffic, log = made("wrapper_hydra", {"decoys": 1.0})
    assert len(traffic) == 2
    decoys = log.filter(~pl.col("_attack"))
    assert decoys["n_messages"].min() == 3
    threads = set(log.filter("_attack")["conversation_id"].drop_nulls())
    assert set(decoys["conversation_id"].drop_nulls()) <= threads
    first = dict(log.filter("_attack").select("conversation_id", "ts").drop_nulls().iter_rows())
    assert all(ts >= first[c] for c, ts in decoys.select("conversation_id", "ts").drop_nulls().iter_rows())


def test_evasions_leave_the_rest_of_a_world_as_it_was():
    world = replace(load_world("tiny"), population={"human": 20})
    plain = play(world)
    evading = play(replace(world, campaigns=[replace(p, evasions={"jitter": 1.0}) for p in world.campaigns]))
    for (t, frame), (u, other) in zip(plain, evading, strict=True):
        assert t.crowd.frame.equals(u.crowd.frame)
        assert frame.equals(other) == (t.crowd.campaign is None)


def _world(tmp_path, **campaign):
    spec = yaml.safe_load(shipped()["tiny"].read_text())
    spec["campaigns"] = {"a": {"kind": "swarm", "accounts": 4, "per_day": 4, **campaign}}
    path = tmp_path / "w.yml"
    path.write_text(yaml.safe_dump(spec))
    return path


def test_a_world_sets_one_strength_or_one_for_each(tmp_path):
    path = _world(tmp_path, evasions=["jitter", "decoys"], strength=0.3)
    assert load_world(path).campaigns[0].evasions == {"jitter": 0.3, "decoys": 0.3}
    path = _world(tmp_path, evasions={"jitter": 0.2, "decoys": 1})
    assert load_world(path).campaigns[0].evasions == {"jitter": 0.2, "decoys": 1.0}


def test_broken_evasions_are_named(tmp_path):
    with pytest.raises(WorldError, match="no evasion magic"):
        load_world(_world(tmp_path, evasions=["magic"]))
    with pytest.raises(WorldError, match="from 0 to 1"):
        load_world(_world(tmp_path, evasions={"jitter": 3}))
