import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.simulator.generate import write
from detector.simulator.lab.arms.bandit import Bandit
from detector.simulator.lab.arms.evasions import EVASIONS, Scene
from detector.simulator.lab.arms.race import CAMPAIGNS, hide, race, small, whole
from detector.simulator.lab.arms.replacement import replace_refused
from detector.simulator.world import load_world

SEED = 3


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    out = tmp_path_factory.mktemp("played")
    write(load_world("tiny"), out)
    return out


@pytest.fixture(scope="module")
def scene(played):
    truth = json.loads((played / "truth.json").read_text())
    ours = pl.col("account_id").is_in(truth["campaigns"]["task_list"])
    requests = pl.read_ndjson(played / "requests.ndjson", infer_schema_length=None).with_columns(
        _attack=pl.lit(value=True)
    )
    accounts = pl.read_ndjson(played / "accounts.ndjson", infer_schema_length=None)
    span = requests["ts"].min(), requests["ts"].max()
    return Scene(requests.filter(ours), accounts.filter(ours), requests.filter(~ours), span)


def hidden(name, scene):
    return EVASIONS[name](np.random.default_rng(SEED), scene)


def distinct(frame, column):
    return frame.group_by("account_id").agg(pl.col(column).n_unique())[column].to_list()


@pytest.mark.parametrize("name", EVASIONS)
def test_hiding_keeps_the_harvest_and_the_form_of_the_files(scene, name):
    after = hidden(name, scene)
    attack = after.rows.filter("_attack")
    assert sorted(attack["request_id"]) == sorted(scene.rows["request_id"])
    assert after.rows.schema == scene.rows.schema
    assert after.accounts.schema == scene.accounts.schema
    assert set(after.rows["account_id"]) == set(scene.rows["account_id"])
    assert after.rows["ts"].is_between(*scene.span).all()
    assert attack.sort("request_id")["output_tokens"].equals(scene.rows.sort("request_id")["output_tokens"])
    assert hidden(name, scene).rows.equals(after.rows)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("jitter", {"ts"}),
        ("hours", {"ts"}),
        ("homes", {"ip"}),
        ("payments", {"org_id"}),
        ("headers", {"user_agent", "tls_fingerprint", "temperature", "top_p", "max_tokens", "stream", "route"}),
        ("wording", {"system_prompt", "prompt"}),
    ],
)
def test_each_way_changes_what_it_says_and_nothing_else(scene, name, changed):
    after = hidden(name, scene).rows
    differing = {c for c in after.columns if not after[c].equals(scene.rows[c], null_equal=True)}
    assert differing <= changed
    assert differing


def test_addresses_and_headers_are_an_accounts_own(scene):
    assert set(distinct(hidden("homes", scene).rows, "ip")) == {1}
    assert set(distinct(hidden("headers", scene).rows, "user_agent")) == {1}
    assert hidden("payments", scene).accounts["payment_fingerprint"].is_unique().all()


def test_decoys_are_as_many_again_and_no_attack(scene):
    after = hidden("decoys", scene).rows
    assert after.height == 2 * scene.rows.height
    relayed = after.filter(~pl.col("_attack"))
    assert relayed.height == scene.rows.height
    assert set(relayed["prompt"].drop_nulls()) <= set(scene.others["prompt"])
    assert after["request_id"].is_unique().all()


def test_hiding_rewrites_the_log_and_the_truth_together(tmp_path):
    write(load_world("tiny"), tmp_path)
    innocents = pl.read_ndjson(tmp_path / "requests.ndjson", infer_schema_length=None)
    hide(tmp_path, {"task_list": "jitter", "shared_cards": "decoys"}, SEED)
    truth = json.loads((tmp_path / "truth.json").read_text())
    # Polars reads columns in any order.
    rows = pl.read_ndjson(tmp_path / "requests.ndjson", infer_schema_length=None).select(innocents.columns)
    assert rows["ts"].is_sorted()
    seen = rows.group_by("account_id").agg("ts")
    times = dict(seen.iter_rows())
    for account, attacks in truth["attack_times"].items():
        assert set(attacks) <= set(times[account])
    benign = set(truth["archetype"]) - {a for ids in truth["campaigns"].values() for a in ids}
    ours = pl.col("account_id").is_in(sorted(benign))
    assert rows.filter(ours).sort("request_id").equals(innocents.filter(ours).sort("request_id"), null_equal=True)


def test_the_arena_has_its_campaigns():
    assert sorted(small().campaigns) == sorted(CAMPAIGNS)
    assert not small().in_store


def test_whole_worlds_are_played_on_seeds_of_their_own():
    arenas = whole(("reported-2026", "evasive"))
    assert [len(each.campaigns) for each in arenas.values()] == [12, 25]
    assert all(each.in_store for each in arenas.values())
    assert len({small().seed, *(each.seed for each in arenas.values())}) == 3


def test_a_refused_account_is_replaced_from_then_on(tmp_path):
    write(load_world("tiny"), tmp_path)
    before = [
        pl.read_ndjson(tmp_path / f"{name}.ndjson", infer_schema_length=None) for name in ("requests", "accounts")
    ]
    truth = json.loads((tmp_path / "truth.json").read_text())
    first, second = truth["campaigns"]["task_list"][:2]
    times = truth["attack_times"][first]
    late = truth["attack_times"][second][-1] + 1
    benign = next(a for a in before[1]["account_id"] if a not in truth["attack_times"])
    spells = {first: [(times[3], 2e9)], second: [(late, 2e9)], benign: [(0.0, 2e9)]}
    assert replace_refused(tmp_path, spells, SEED) == 1
    rows = pl.read_ndjson(tmp_path / "requests.ndjson", infer_schema_length=None)
    accounts = pl.read_ndjson(tmp_path / "accounts.ndjson", infer_schema_length=None)
    after = json.loads((tmp_path / "truth.json").read_text())
    (new,) = set(after["campaigns"]["task_list"]) - set(truth["campaigns"]["task_list"])
    assert (after["attack_times"][first], after["attack_times"][new]) == (times[:3], times[3:])
    assert after["archetype"][new] == truth["archetype"][first]
    moved = rows.filter(pl.col("account_id") == new)
    assert moved["ts"].to_list() == pytest.approx(times[3:], abs=1e-3)
    columns = [c for c in rows.columns if c not in {"account_id", "org_id", "api_key_id"}]
    # Whose name they bear is all that changed.
    assert rows.select(columns).equals(before[0].select(columns), null_equal=True)
    assert accounts.height == before[1].height + 1
    old, fresh = (accounts.row(by_predicate=pl.col("account_id") == a, named=True) for a in (first, new))
    assert {k for k in old if old[k] != fresh[k]} == {"account_id", "org_id", "payment_fingerprint"}


def test_everything_is_tried_before_anything_again():
    bandit = Bandit(("a", "b", "c"), {"a": [0.5]})
    assert bandit.choose(np.random.default_rng(1), 2) == ["b", "c"]


@given(st.integers(0, 2**32))
def test_what_pays_is_chosen_more(seed):
    bandit = Bandit(("good", "bad"), {"good": [0.9] * 30, "bad": [0.1] * 30})
    assert bandit.choose(np.random.default_rng(seed), 40).count("good") > 30


def test_no_rounds_are_no_race(tmp_path):
    assert race(0, tmp_path, small()) is None
    assert not list(tmp_path.iterdir())


def test_what_hiding_buys_is_counted_from_the_same_campaign_unhidden(tmp_path, monkeypatch):
    shares = {"none": 0.1, "jitter": 0.3}
    offset = dict(zip(CAMPAIGNS, (0.0, 0.2, 0.4, 0.6), strict=True))

    def play(_arena, chosen, _seed):
        return {"passed": {campaign: offset[campaign] + shares.get(name, 0.2) for campaign, name in chosen.items()}}

    monkeypatch.setattr("detector.simulator.lab.arms.race._round", play)
    found = race(3, tmp_path, small())
    assert set(found["rounds"][0]["chosen"].values()) == {"none"}
    assert set(found["evasions"]) == set(EVASIONS) - {"none"}
    assert found["evasions"]["jitter"]["bought"]["mean"] == pytest.approx(0.2)
    assert found["evasions"]["headers"]["bought"]["mean"] == pytest.approx(0.1)
    assert race(3, tmp_path, small()) == found
