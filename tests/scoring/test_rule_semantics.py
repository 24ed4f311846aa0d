"""Compiled rules agree with a slow evaluation row by row, and signs add up as documented."""

import math
import operator
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_files import FIELDS, SOUND, written

from detector.scoring.rules import load_rules, read_rule
from detector.scoring.rules.evaluate import RuleSet
from detector.scoring.rules.satisfiable import can_fire
from detector.scoring.rules.testing import TestReference
from detector.scoring.rules.tree import Benign, Compare, Every, Missing, Negation, Some, asks_low, bound, fields

NAMES = ("a", "b", "c", "absent")
STRATA = ("person", "product", "embeddings")
LEVELS = ("p50", "p90", "p99")
GRID = (0.0, 0.25, 0.5, 0.75, 1.0)
SIGNS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq}

names = st.sampled_from(NAMES)
signs = st.sampled_from(list(SIGNS))
leaf = st.one_of(
    st.builds(Compare, names, signs, st.sampled_from(GRID)),
    st.builds(Benign, names, signs.filter(lambda sign: sign != "=="), st.sampled_from(LEVELS)),
    st.builds(Missing, names),
)
trees = st.recursive(
    leaf,
    lambda below: st.one_of(
        st.builds(Negation, below),
        st.builds(lambda parts: Every(tuple(parts)), st.lists(below, min_size=1, max_size=3)),
        st.builds(lambda parts: Some(tuple(parts)), st.lists(below, min_size=1, max_size=3)),
    ),
    max_leaves=8,
)
values = st.one_of(st.none(), st.just(math.nan), st.sampled_from(GRID))
row = st.fixed_dictionaries({"a": values, "b": values, "c": values, "stratum": st.sampled_from(STRATA)})
thresholds = st.dictionaries(st.tuples(st.sampled_from(STRATA), names, st.sampled_from(LEVELS)), st.sampled_from(GRID))


class Table:
    """A reference by stratum, feature and level."""

    def __init__(self, quantiles, category="account_window"):
        self.quantiles, self.category = quantiles, category

    def quantile(self, category, stratum, feature, level):
        assert category == self.category
        return self.quantiles.get((stratum, feature, level))


def known(value):
    return None if value is None or math.isnan(value) else value


def slowly(node, row, quantiles):
    """The meaning of a tree, spelled out."""
    if isinstance(node, Every):
        return all(slowly(part, row, quantiles) for part in node.parts)
    if isinstance(node, Some):
        return any(slowly(part, row, quantiles) for part in node.parts)
    if isinstance(node, Negation):
        return not slowly(node.part, row, quantiles)
    value = known(row.get(node.field))
    if isinstance(node, Missing):
        return value is None
    other = node.value if isinstance(node, Compare) else quantiles.get((row["stratum"], node.field, node.level))
    return value is not None and other is not None and SIGNS[node.operator](value, other)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return read_rule(written(tmp_path_factory.mktemp("rules")), FIELDS)


def frame_of(rows):
    schema = {"a": pl.Float64, "b": pl.Float64, "c": pl.Float64, "stratum": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


@settings(max_examples=150, deadline=None)
@given(st.lists(trees, min_size=1, max_size=3), st.lists(row, min_size=1, max_size=12), thresholds)
def test_compiled_rules_agree_with_the_slow_meaning(sound, conditions, rows, quantiles):
    rules = [replace(sound, code=f"R{i}", condition=condition) for i, condition in enumerate(conditions)]
    fired = RuleSet(rules, Table(quantiles)).fired(frame_of(rows))
    assert fired.columns == [rule.code for rule in rules]
    for rule in rules:
        assert fired[rule.code].to_list() == [slowly(rule.condition, each, quantiles) for each in rows]


@settings(max_examples=150, deadline=None)
@given(trees, st.lists(row, min_size=1, max_size=30))
def test_a_condition_that_fires_is_never_said_to_be_impossible(condition, rows):
    quantiles = {
        (s, n, level): q for s in STRATA for n in NAMES for level, q in zip(LEVELS, (0.25, 0.5, 0.75), strict=True)
    }
    if any(slowly(condition, each, quantiles) for each in rows):
        assert can_fire(condition, dict.fromkeys(NAMES, "share"))


@pytest.mark.parametrize(
    ("condition", "possible"),
    [
        (Every((Compare("a", ">", 0.5), Compare("a", "<", 0.5))), False),
        (Every((Compare("a", ">=", 0.5), Compare("a", "<=", 0.5))), True),
        (Every((Compare("a", "==", 0.5), Negation(Compare("a", "==", 0.5)))), False),
        (Every((Benign("a", ">", "p99"), Benign("a", "<", "p50"))), False),
        (Every((Benign("a", ">", "p50"), Benign("a", "<", "p99"))), True),
        (Every((Missing("a"), Compare("a", ">", 0.0))), False),
        (Every((Missing("a"), Negation(Compare("a", ">", 0.0)))), True),
        (Every((Compare("a", ">", 0.2), Negation(Compare("a", ">", 0.1)))), False),
        (Compare("a", "<", 0.0), False),
        (Compare("a", ">", 1.0), False),
        (Some((Compare("a", ">", 1.0), Compare("b", ">", 0.5))), True),
    ],
)
def test_impossible_conditions_are_known(condition, possible):
    assert can_fire(condition, {"a": "share", "b": "share"}) is possible


def test_sigma_yaml_means_what_it_says(tmp_path):
    text = SOUND.replace("selection and not filter_tools", "(1 of sel* or all of both_*) and not filter_tools").replace(
        "  filter_tools:",
        "  both_a:\n    multi_turn_share: [0.25, 0.5]\n  both_b:\n    tool_result_share: null\n"
        "  both_c:\n    - requests|gte: 7\n    - requests: true\n  filter_tools:",
    )
    rule = read_rule(written(tmp_path, text), FIELDS)
    assert fields(rule.condition) == ["requests", "multi_turn_share", "tool_result_share"]
    rows = [
        (500.0, 0.0, None),
        (7.0, 0.5, None),
        (1.0, 0.25, None),
        (2.0, 0.25, None),
        (7.0, 0.3, None),
        (7.0, 0.5, 0.1),
    ]
    frame = pl.DataFrame(rows, ["requests", "multi_turn_share", "tool_result_share"], orient="row")
    fired = RuleSet([rule], TestReference({"requests": {"p99": 100.0}})).fired(frame.with_columns(stratum=pl.lit("x")))
    assert fired["MANY_REQUESTS"].to_list() == [True, True, True, False, False, False]


def test_each_row_is_compared_with_its_own_stratum_and_new_strata_are_met_late(sound):
    rule = replace(sound, condition=Benign("a", ">", "p99"))
    reference = Table({("person", "a", "p99"): 0.25, ("product", "a", "p99"): 0.75})
    rules = RuleSet([rule], reference)
    rows = [{"a": 0.5, "stratum": stratum} for stratum in ("product", "person", "unheard_of", "person")]
    assert rules.fired(frame_of(rows[:1]))[rule.code].to_list() == [False]
    assert rules.fired(frame_of(rows))[rule.code].to_list() == [False, True, False, True]
    assert rules.threshold(rule.code, "product") == [("a", ">", 0.75)]
    assert rules.threshold(rule.code, "unheard_of") == [("a", ">", None)]


def test_thresholds_for_evidence_stand_in_the_order_of_the_rule(sound):
    rules = RuleSet([sound], Table({("person", "requests", "p99"): 80.0}))
    assert rules.threshold(sound.code, "person") == [
        ("requests", ">", 80.0),
        ("multi_turn_share", "<", 0.1),
        ("tool_result_share", ">", 0.2),
    ]


def test_no_rules_and_no_rows_are_fine(sound):
    empty = RuleSet([], Table({}))
    assert empty.contributions(empty.fired(frame_of([]))).shape == (0, 0)
    assert empty.fired(frame_of([{"a": 1.0, "stratum": "person"}])).height == 1
    one = RuleSet([sound], Table({}))
    assert one.contributions(one.fired(frame_of([]))).shape == (0, 1)


def test_a_rule_set_is_of_one_category_without_doubles(sound):
    with pytest.raises(ValueError, match="one category"):
        RuleSet([sound, replace(sound, code="OTHER", category="cluster_window")], Table({}))
    with pytest.raises(ValueError, match="share a code"):
        RuleSet([sound, sound], Table({}))


WEIGHTED = (
    ("content", 3.5),
    ("content", 2.0),
    ("content", 0.75),
    ("harvest", 1.25),
    ("harvest", 1.25),
    ("timing", 0.5),
)


@pytest.fixture(scope="module")
def weighted(sound):
    rules = [replace(sound, code=f"R{i}", evidence=kind, weight=weight) for i, (kind, weight) in enumerate(WEIGHTED)]
    return RuleSet(rules, Table({}))


def fired_frame(rows):
    return pl.DataFrame(np.array(rows, bool), schema=[f"R{i}" for i in range(len(WEIGHTED))], orient="row")


def saturated(row):
    """The documented formula, for one row."""
    total = 0.0
    for kind in {kind for kind, _ in WEIGHTED}:
        weights = sorted((w for (k, w), yes in zip(WEIGHTED, row, strict=True) if yes and k == kind), reverse=True)
        total += sum(w / 2**k for k, w in enumerate(weights))
    return total


@given(st.lists(st.lists(st.booleans(), min_size=len(WEIGHTED), max_size=len(WEIGHTED)), min_size=1, max_size=8))
def test_contributions_add_up_exactly_and_follow_the_formula(weighted, rows):
    contributions = weighted.contributions(fired_frame(rows))
    scores = contributions.sum(axis=1)
    assert scores.tolist() == [saturated(row) for row in rows]
    assert np.array_equal(contributions[:, ::-1].sum(axis=1), scores)
    assert np.array_equal(contributions > 0, np.array(rows, bool))


@given(st.lists(st.booleans(), min_size=len(WEIGHTED), max_size=len(WEIGHTED)), st.integers(0, len(WEIGHTED) - 1))
def test_a_further_sign_never_lowers_a_score_and_one_kind_is_capped(weighted, row, extra):
    more = [yes or i == extra for i, yes in enumerate(row)]
    scores = weighted.contributions(fired_frame([row, more])).sum(axis=1)
    assert scores[1] >= scores[0]
    content = [yes and kind == "content" for yes, (kind, _) in zip(more, WEIGHTED, strict=True)]
    assert weighted.contributions(fired_frame([content])).sum() <= 2 * 3.5


def test_the_score_without_each_sign_is_a_score(weighted):
    row = [True, True, False, True, True, False]
    without = weighted.without(np.array(row, np.bool_))
    expected = [saturated([yes and i != j for i, yes in enumerate(row)]) for j in range(len(row))]
    assert without.tolist() == expected


@pytest.mark.parametrize(
    ("tree", "low"),
    [
        (Compare("a", "<", 0.5), True),
        (Compare("a", ">=", 0.5), False),
        (Compare("a", "==", 0.5), False),
        (Benign("a", "<=", "p50"), True),
        (Negation(Compare("a", ">", 0.5)), True),
        (Negation(Negation(Compare("a", ">", 0.5))), False),
        (Every((Compare("b", ">", 0.5), Compare("a", "<", 0.5))), True),
        (Every((Compare("a", ">", 0.2), Compare("a", "<", 0.5))), False),
        (Some((Missing("a"), Negation(Every((Compare("a", ">", 0.5), Compare("b", "<", 0.5)))))), True),
        (Compare("b", "<", 0.5), False),
    ],
)
def test_a_tree_asks_for_low_values_where_nothing_in_it_asks_for_high_ones(tree, low):
    assert asks_low(tree, "a") is low


def test_the_shipped_rules_that_fire_on_low_values_are_known_as_such():
    assert {rule.code for rule in load_rules() if rule.low} == {"FLAT_RHYTHM", "LIST_BY_CLOCK", "TEMPLATE_BY_CLOCK"}


HIGH, HIGHER, UNDER = Compare("a", ">", 1.0), Benign("a", ">=", "p90"), Compare("a", "<", 7.0)
OTHER = Compare("b", ">", 9.0)


@pytest.mark.parametrize(
    ("tree", "low", "asked"),
    [
        (HIGH, False, 1.0),
        (Every((HIGH, HIGHER, UNDER, OTHER)), False, 5.0),
        (Every((UNDER, Compare("a", "<=", 3.0))), True, 3.0),
        (Some((HIGH, HIGHER)), False, 1.0),
        (Some((HIGH, OTHER)), False, None),
        (Every((Negation(HIGH), OTHER)), False, None),
        (UNDER, False, None),
        (Benign("a", ">", "p99"), False, None),
    ],
)
def test_what_a_tree_asks_of_a_field(tree, low, asked):
    def number(leaf):
        return leaf.value if isinstance(leaf, Compare) else {"p90": 5.0}.get(leaf.level)

    assert bound(tree, "a", number, low=low) == asked


def test_every_shipped_rule_that_fires_has_met_the_bound_that_it_names():
    for rule in load_rules():
        for test in rule.tests:
            asked = RuleSet([rule], TestReference(test.reference)).asked(rule.code, "person")
            value = test.window[rule.feature] if test.fires else None
            assert asked is not None or not test.fires, f"{rule.code} puts no bound on {rule.feature}"
            if value is not None:
                assert value <= asked if rule.low else value >= asked, (rule.code, test.name)
