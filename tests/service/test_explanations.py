"""Explanations in alerts: they add up to the score, and what they say of removals is what scoring says."""

import json
import math

import polars as pl
import pytest
from typer.testing import CliRunner

from detector.cli import app
from detector.coordination.features.links import RESTS_ON
from detector.scoring.explanation import by_feature
from detector.scoring.reference import load_reference
from detector.scoring.rules import load_rules
from detector.scoring.scorer import ACCOUNT, CLUSTER
from detector.service.calibration import scorer_of
from detector.service.explain import explain
from detector.service.reasons import reasons_of
from detector.simulator.generate import write
from detector.simulator.world import load_world

HALF = 5e-5  # what a figure of four digits may be off
# Explanations do not ask when it was looked; a week's looks are most of what the replay takes.
ENV = {"REVENUER_HASH_KEY": "12345", "REVENUER_TICK_S": "1800"}


@pytest.fixture(scope="module")
def alerts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    write(load_world("demo"), folder, scale=0.3)
    args = ["replay", str(folder / "requests.ndjson"), "--accounts", str(folder / "accounts.ndjson")]
    result = CliRunner().invoke(app, [*args, "--out", str(folder / "out")], env=ENV)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in (folder / "out" / "alerts.ndjson").read_text().splitlines()]


def test_reasons_features_and_the_score_are_one_sum(alerts):
    assert any(alert["kind"] == "cluster" for alert in alerts)
    for alert in alerts:
        why, reasons = alert["evidence"]["explanation"], alert["reasons"]
        assert sum(r["weight"] for r in reasons) == pytest.approx(why["score"], abs=HALF * (len(reasons) + 1))
        assert sum(why["features"].values()) == pytest.approx(why["score"], abs=HALF * (len(why["features"]) + 1))
        assert set(why["by_reason"]) == {r["code"] for r in reasons}
        for r in reasons:
            of = why["by_reason"][r["code"]]
            assert sum(of.values()) == pytest.approx(r["weight"], abs=HALF * (len(of) + 1))


def test_what_rests_on_links_is_divided_over_the_kinds_that_are_shared(alerts):
    clusters = [a["evidence"] for a in alerts if "links" in a["evidence"]]
    assert any(e["explanation"]["links"] for e in clusters)
    for evidence in clusters:
        why = evidence["explanation"]
        of_links = sum(nats for name, nats in why["features"].items() if name in RESTS_ON)
        # Only what is shared can be divided; a rule may also fire because little is.
        assert sum(why["links"].values()) <= of_links + HALF * (len(why["features"]) + len(why["links"]))
        assert set(why["links"]) <= {w["name"] for w in why["without"] if w["kind"] == "link"}


def test_each_removal_is_told_and_the_telling_ones_are_in_words(alerts):
    for alert in alerts:
        why = alert["evidence"]["explanation"]
        assert {w["name"] for w in why["without"] if w["kind"] == "reason"} == {r["code"] for r in alert["reasons"]}
        for sentence in why["words"]:
            assert sentence.startswith("Without ")
            assert f"instead of {why['risk']:.0f}." in sentence
        lower = [w for w in why["without"] if round(w["risk"]) < round(why["risk"])]
        assert bool(lower) == bool(why["words"])


SCORER = scorer_of(load_rules(), load_reference())


@pytest.mark.parametrize("category", [ACCOUNT, CLUSTER])
def test_shares_of_any_entity_add_up_to_its_score_and_are_of_what_the_rule_reads(category):
    rules = SCORER.rules[category]
    fields = sorted(
        {name for rule in rules.rules for test in rule.tests for name in test.window} | _strata_fields(category)
    )
    windows = [test.window for rule in rules.rules for test in rule.tests if test.fires]
    frame = pl.DataFrame({f: [w.get(f) for w in windows] for f in fields}, schema=dict.fromkeys(fields, pl.Float64))
    scored = SCORER.score(frame, category)
    assert (scored.score > 0).sum() > len(windows) / 3
    for row in range(frame.height):
        parts = by_feature(rules, scored.row(row))
        total = math.fsum(nats for of in parts.values() for nats in of.values())
        assert total == pytest.approx(scored.score[row], abs=1e-9)
        if category == ACCOUNT and scored.score[row] > 0:
            told = explain(SCORER, scored, row, reasons_of(SCORER, scored, ACCOUNT, row)).get()
            assert sum(told["features"].values()) == pytest.approx(
                told["score"], abs=HALF * (len(told["features"]) + 1)
            )
            assert told["words"]
        for code, of in parts.items():
            assert set(of) <= set(rules.fields) | {rules.rule(code).feature}


def _strata_fields(category):
    of_clusters = {"unrelated_share", "link_network", "link_mail", "disjoint_coverage"}
    return {"embeddings_share", "system_prompt_share", "multi_turn_share"} | (
        of_clusters if category == CLUSTER else set()
    )
