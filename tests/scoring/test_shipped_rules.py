"""Invariants of the rules that ship."""

import re
from collections import Counter
from dataclasses import replace

import polars as pl
import pytest

from detector.scoring.rules import (
    CATEGORIES,
    default_folder,
    known_fields,
    load_rules,
    rule_files,
    rules_markdown,
    unmeasured,
)
from detector.scoring.rules.evaluate import RuleSet, rules_of
from detector.scoring.rules.testing import run_tests
from detector.scoring.rules.tree import Benign, fields, leaves

RULES = load_rules()
FORBIDDEN = re.compile(r"country|languag|nationalit", re.IGNORECASE)

# No condition asks for a count in thousands, nor that something holds without exception.
UNASKED = re.compile(
    r"thousand|dozens|\bnever\b|\bnobody\b|\bnone\b|\bno two\b|beyond doubt|out of the question|exactly", re.IGNORECASE
)
NEARLY = re.compile(r"nearly (any|all|every) (account|ordinary|innocent|group|have)", re.IGNORECASE)


def test_all_files_are_rules_and_there_are_enough():
    assert len(RULES) == len(rule_files([default_folder()])) >= 24
    assert all(len(rules_of(RULES, category)) >= 12 for category in CATEGORIES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_inline_tests_pass_with_both_outcomes(rule):
    outcomes = run_tests([rule])
    assert [o.test.name for o in outcomes if not o.passed] == []
    assert {o.test.fires for o in outcomes} == {True, False}
    assert len({o.test.name for o in outcomes}) == len(outcomes)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_reason_always_has_a_value_to_show(rule):
    blind = [
        replace(test, window={**test.window, rule.feature: None}, fires=False) for test in rule.tests if test.fires
    ]
    assert all(outcome.passed for outcome in run_tests([replace(rule, tests=tuple(blind))]))


def test_codes_and_ids_are_unique_and_files_are_named_by_category():
    assert max(Counter(rule.code for rule in RULES).values()) == 1
    assert max(Counter(rule.id.lower() for rule in RULES).values()) == 1
    for rule in RULES:
        assert rule.path.name.startswith(rule.category.removesuffix("_window") + "_")


def test_where_somebody_lives_or_what_they_speak_scores_nothing():
    for category in CATEGORIES:
        for rule in rules_of(RULES, category):
            assert not any(FORBIDDEN.search(name) for name in fields(rule.condition)), rule.code
            assert not FORBIDDEN.search(rule.text), rule.code


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_sentence_claims_no_more_than_the_condition_asks(rule):
    """It is read beside accounts with fifty requests, of which some are repeated."""
    assert not UNASKED.search(rule.text), rule.text
    if NEARLY.search(rule.text):
        levels = {leaf.level for leaf in leaves(rule.condition) if isinstance(leaf, Benign)}
        assert levels & {"p95", "p99", "p999"}, "'nearly any' is what one in twenty goes beyond, at most"


def test_signs_that_are_weak_alone_weigh_little():
    for rule in RULES:
        if rule.category == "account_window" and rule.evidence in {"timing", "identity"}:
            assert rule.weight <= 2, rule.code
        if rule.level == "low":
            assert rule.weight <= 1, rule.code


def test_most_rules_compare_with_the_benign_reference():
    relative = [rule for rule in RULES if any(isinstance(leaf, Benign) for leaf in leaves(rule.condition))]
    assert len(relative) >= 0.9 * len(RULES)


def test_no_rule_fires_on_an_entity_about_which_nothing_is_known():
    class Nothing:
        def quantile(self, category, stratum, feature, level):  # noqa: ARG002 - protocol
            return 0.0

    for category in CATEGORIES:
        rules = RuleSet(rules_of(RULES, category), Nothing())
        fired = rules.fired(pl.DataFrame({"stratum": ["person"]}))
        assert not any(fired.row(0)), category


def test_the_docs_page_has_every_rule():
    page = rules_markdown(RULES)
    for rule in RULES:
        assert f"### {rule.code}\n" in page
        assert f"`rules/{rule.path.name}`" in page
    assert page.endswith("\n")
    assert page == rules_markdown(reversed(RULES))


def test_the_taxonomy_is_the_features_that_are_declared():
    known = known_fields()
    assert set(known) == set(CATEGORIES)
    assert set(known["account_window"]) < set(known["cluster_window"])


def test_rules_that_are_not_as_they_ship_are_unmeasured():
    one, two, three, four, five = RULES[:5]
    assert unmeasured(RULES) == unmeasured(RULES[3:]) == []
    changed = [
        replace(one, weight=one.weight + 1.0),
        replace(two, condition=three.condition),
        replace(four, code="MINE"),
    ]
    assert unmeasured([*changed, replace(five, text="Other words.")]) == [one.code, two.code, "MINE"]
