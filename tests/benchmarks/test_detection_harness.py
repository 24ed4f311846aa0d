"""Budgets, folds and rows of the comparison, and the logs that ablations leave."""

import gzip
import json
from dataclasses import replace

import msgspec
import polars as pl
import pytest
from bench_logs import CAMPAIGNS, HOSTILE, START, write_world

from benchmarks.detection.__main__ import main
from benchmarks.detection.ablation import ABLATIONS, without
from benchmarks.detection.base import Namer, Ranker
from benchmarks.detection.harness import Bench, first_past, most_suspicious
from benchmarks.detection.peers.shared_keys import SharedKeys
from benchmarks.detection.peers.tree import Tree
from benchmarks.detection.table import COLUMNS, markdown
from detector.scoring.rules import default_folder, load_rules, rule_files


def rank(*rows):
    return pl.DataFrame(rows, schema={"account_id": pl.String, "at": pl.Float64, "score": pl.Float64}, orient="row")


def test_the_budget_names_the_most_suspicious_when_they_reach_the_last_ones_score():
    scores = rank(("a", 1.0, 5.0), ("a", 2.0, 9.0), ("b", 3.0, 4.0), ("b", 4.0, 6.0), ("c", 5.0, 3.0))
    assert most_suspicious(scores, 2) == {"a": 2.0, "b": 4.0}
    assert most_suspicious(scores, 1) == {"a": 2.0}
    assert most_suspicious(scores, 9) == {"a": 1.0, "b": 3.0, "c": 5.0}


def test_ties_do_not_break_the_budget():
    scores = rank(("late", 9.0, 1.0), ("early", 1.0, 1.0), ("top", 5.0, 2.0))
    assert most_suspicious(scores, 2) == {"top": 5.0, "early": 1.0}


def test_what_is_no_number_names_nobody():
    scores = rank(("a", 1.0, float("nan")), ("b", 1.0, float("inf")), ("c", 1.0, 1.0))
    assert most_suspicious(scores, 3) == {"c": 1.0}
    assert first_past(scores, 0.5) == {"b": 1.0, "c": 1.0}
    assert most_suspicious(scores.clear(), 3) == {}


class Spy(Ranker):
    """Names whoever it was fitted to, most suspicious the hostile; the accounts left out are not suspected."""

    label = "spy"
    fitted = True

    def __init__(self):
        self.asked = []

    def prepare(self, case):
        return case

    def rank(self, prepared, without):  # noqa: ARG002
        self.asked.append(without)
        known = [(account, START, 2.0) for account in sorted(HOSTILE - without)]
        return rank(*known, ("h0", START, 3.0), *([("h1", START, 4.0)] if "p0" in without else []))


def test_what_is_fitted_never_sees_the_kind_that_it_is_asked_about(tmp_path):
    spy, bench = Spy(), Bench(write_world(tmp_path))
    bench.spend(12)
    (row,) = bench.rows(spy)
    farms = frozenset(CAMPAIGNS["farm_1"] + CAMPAIGNS["farm_2"])
    assert set(spy.asked) == {farms, frozenset(CAMPAIGNS["probe"])}
    # It knows every hostile account but those that it is asked about, so that none of them counts.
    assert (row.account_recall, row.campaigns_found) == (0.0, 0)
    # h0 is named in both folds, h1 in one of two.
    assert row.benign_flagged_share == pytest.approx(2 / 30)


class Oracle(Namer):
    """Names a campaign and one person, half of the way through."""

    def name(self, case):  # noqa: ARG002
        return {"oracle": dict.fromkeys([*CAMPAIGNS["farm_1"], "h0"], START + 1.5 * 86_400)}


def test_the_rows_figures_are_those_of_an_evaluation(tmp_path):
    (row,) = Bench(write_world(tmp_path)).rows(Oracle())
    assert (row.flagged, row.campaigns_found, row.campaigns) == (7, 1, 3)
    assert row.account_precision == pytest.approx(6 / 7)
    assert row.account_recall == pytest.approx(6 / 13)
    assert row.benign_flagged_share == pytest.approx(1 / 30)
    assert 0.6 < row.leak < 0.9
    assert row.exchanges_per_s > 0


def test_a_world_without_an_attack_has_false_alarms_alone(tmp_path):
    world, spy = write_world(tmp_path), Spy()
    world.truth.write_text('{"campaigns": {}}')
    (row,) = Bench(world).rows(spy)
    assert spy.asked == [frozenset()]
    assert (row.account_recall, row.leak, row.campaigns) == (None, None, 0)
    assert row.benign_flagged_share == pytest.approx(1 / 43)


def test_the_budget_is_never_below_its_share_of_the_accounts(tmp_path):
    bench = Bench(write_world(tmp_path))
    assert bench.budget == 1
    bench.spend(0)
    assert bench.budget == 1
    bench.spend(9)
    assert bench.budget == 9


def test_groups_and_the_tree_find_what_is_given_away(tmp_path):
    bench = Bench(write_world(tmp_path))
    rows = {row.method: row for peer in (SharedKeys(), Tree()) for row in bench.rows(peer)}
    assert rows["union-find: shared network /24"].account_recall == 1.0
    tree = rows[Tree.label]
    assert tree.account_recall == 1.0
    assert tree.leak is None


def test_the_table_has_a_cell_for_every_column(tmp_path):
    lines = markdown(Bench(write_world(tmp_path)).rows(Oracle())).splitlines()
    assert len(lines) == 3
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 1}


@pytest.mark.parametrize("packed", [False, True])
def test_a_field_that_is_left_out_is_gone_and_nothing_else(tmp_path, packed):
    records = [
        {"account_id": "a", "ts": 1, "prompt": "text", "messages": [{"role": "user"}]},
        {"account_id": "b", "ts": 2},
    ]
    raw = b"\n".join(map(msgspec.json.encode, records))
    source = tmp_path / f"requests.ndjson{'.gz' if packed else ''}"
    source.write_bytes(gzip.compress(raw) if packed else raw)
    (tmp_path / "out").mkdir()
    left = without(source, ("prompt", "messages"), tmp_path / "out")
    assert [json.loads(line) for line in left.read_text().splitlines()] == [
        {"account_id": "a", "ts": 1},
        {"account_id": "b", "ts": 2},
    ]


@pytest.mark.parametrize("ablation", ABLATIONS, ids=lambda ablation: ablation.label)
def test_every_ablation_leaves_something_out_that_a_replay_can_read(ablation, tmp_path):
    world = write_world(tmp_path)
    (tmp_path / "accounts.ndjson").write_text('{"account_id": "h0", "payment_fingerprint": "pm-1"}\n')
    whole = replace(world.case, accounts=tmp_path / "accounts.ndjson")
    (tmp_path / "scratch").mkdir()
    method, less = ablation.prepared(whole, tmp_path / "scratch")
    assert less != whole or 0 < len(load_rules(method.rules)) < len(rule_files([default_folder()]))


def test_a_world_that_is_not_there_is_skipped_aloud(tmp_path, capsys):
    main(["--world-dev", str(tmp_path / "none"), "--worlds", "--work", str(tmp_path)])
    told = capsys.readouterr()
    assert "world-dev" in told.err
    assert "skipped" in told.err
    assert json.loads(told.out.splitlines()[-1])["rows"] == []
