"""No give-aways: a detector that reads nothing but habits must not find the campaigns of a shipped world."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from detector.simulator.generate import crowds
from detector.simulator.truth import Truth
from detector.simulator.world import load_world, shipped

sys.path.insert(0, str(Path(__file__).parent))
from giveaways import EXEMPT, account_table, combine, single_values, tree_curve, usual_values

PRECISION, RECALL = 0.6, 0.3
# World → share of its accounts that is played: the large one is looked at in small. `quiet` has no campaign.
WORLDS = {"demo": 1.0, "tiny": 1.0, "reported-2026": 1.0, "evasive": 1.0, "nightmare": 1.0, "needle": 0.08}
HALVES = (0, 1, 2)  # innocents are split in more ways than one: a tree that is lucky once is not a finding


@pytest.fixture(scope="module", params=sorted(WORLDS))
def played(request):
    """A world as it is written, without a gigabyte of text on its way to the disk and back: no text is looked at."""
    world, truth, log = load_world(request.param), Truth(), []
    for traffic, exchanges in crowds(world, scale=WORLDS[request.param]):
        truth.add(traffic, exchanges)
        log.append(exchanges.drop("_attack", "prompt"))
    kinds = {plan.name: plan.kind for plan in world.campaigns}
    accounts, campaigns = truth.accounts(), truth.labels()["campaigns"]
    log = combine(pl.concat(log, how="diagonal"), accounts)
    return log, accounts, {name: set(ids) for name, ids in campaigns.items()}, kinds


def test_no_single_value_gives_campaigns_away(played):
    log, _, campaigns, kinds = played
    usual = usual_values(log)
    parts = {name: ids for name, ids in campaigns.items() if kinds[name] not in EXEMPT}
    parts["all of them"] = set().union(*campaigns.values())
    for name, ids in parts.items():
        told = [x for x in single_values(usual, ids) if x[2] > PRECISION and x[3] > RECALL]
        assert not told, (name, told)


def test_no_tree_over_habits_finds_a_kind_that_it_has_not_seen(played):
    log, accounts, campaigns, kinds = played
    table = account_table(log, accounts)
    of = {account: name for name, ids in campaigns.items() for account in ids}
    mine = np.array([of.get(a, "") for a in table["account_id"]])
    hostile = mine != ""
    for name in campaigns:
        if kinds[name] in EXEMPT:
            continue
        same = np.array([bool(m) and kinds[m] == kinds[name] for m in mine])
        for seed in HALVES:
            half = np.random.default_rng(seed).random(mine.size) < 0.5
            train = (half & ~hostile) | (hostile & ~same)
            test = (~half & ~hostile) | (mine == name)
            assert tree_curve(table, train, test, hostile) <= PRECISION, (name, seed)


def test_the_check_itself_sees_a_give_away(played):
    log, _, campaigns, _ = played
    ids = max(campaigns.values(), key=len)
    marked = log.with_columns(
        pl.when(pl.col("account_id").is_in(sorted(ids))).then(0.123).otherwise("temperature").alias("temperature")
    )
    assert any(
        x[0] == "temperature" and x[2] > PRECISION and x[3] > RECALL for x in single_values(usual_values(marked), ids)
    )


def test_the_tree_sees_a_give_away(played):
    log, accounts, campaigns, _ = played
    hostile = set().union(*campaigns.values())
    marked = log.with_columns(
        pl.when(pl.col("account_id").is_in(sorted(hostile))).then(99_999).otherwise("max_tokens").alias("max_tokens")
    )
    table = account_table(marked, accounts)
    label = table["account_id"].is_in(sorted(hostile)).to_numpy()
    half = np.random.default_rng(0).random(label.size) < 0.5
    assert tree_curve(table, half, ~half, label) > PRECISION


def test_every_shipped_world_with_a_campaign_is_looked_at():
    assert {name for name in shipped() if load_world(name).campaigns} == set(WORLDS)
