"""Rules are comparisons of numbers: nothing in them can be made to run long."""

import time

import pytest
from rule_files import FIELDS, SOUND, written

from detector.scoring.rules import RuleError, read_rule

COMPARED = "multi_turn_share|lt: 0.1"
CONDITION = "selection and not filter_tools"


@pytest.mark.parametrize(
    "modifier", ["re", "contains", "startswith", "endswith", "cidr", "base64offset", "expand", "windash"]
)
def test_no_modifier_that_searches_text_is_taken(modifier, tmp_path):
    evil = written(tmp_path, SOUND.replace(COMPARED, f"multi_turn_share|{modifier}: (a+)+$"))
    with pytest.raises(RuleError, match=f"modifier '{modifier}'"):
        read_rule(evil, FIELDS)


@pytest.mark.parametrize("pattern", ["'*a*a*a*a*a*a*b'", "'?????'", "(a|a)*$"])
def test_no_pattern_is_taken_for_a_number(pattern, tmp_path):
    with pytest.raises(RuleError, match="true, false or null"):
        read_rule(written(tmp_path, SOUND.replace(COMPARED, f"multi_turn_share: {pattern}")), FIELDS)


@pytest.mark.parametrize(
    "condition",
    [
        "(" * 20 + CONDITION + ")" * 20,
        "(" * 9000 + CONDITION + ")" * 9000,
        "not " * 9000 + CONDITION,
        " or ".join([CONDITION] * 1500),
        "(" * 30_000,
        "1 of " * 9000 + "them",
    ],
    ids=["nested", "deep", "negated", "wide", "open", "counted"],
)
def test_a_condition_of_any_shape_is_read_or_refused_soon(condition, tmp_path):
    path = written(tmp_path, SOUND.replace(CONDITION, condition, 1))
    started = time.monotonic()
    try:
        assert read_rule(path, FIELDS).code == "MANY_REQUESTS"
    except RuleError as refused:
        assert str(path) in str(refused)  # noqa: PT017 - either is fine, and nothing else
    assert time.monotonic() - started < 20
