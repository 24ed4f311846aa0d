"""What stands beside a reason: of what its value is, in which unit, and what it is unusual against."""

import pytest

from detector.coordination.features import CLUSTER_FEATURES
from detector.profiles.features import FEATURES
from detector.report import render_report
from detector.report.measures import EACH_ALONE, MEANINGS
from detector.scoring.rules import load_rules
from tests.report.parsed import Page

FIGURES = {"code": "c", "text": "t", "value": 18.0, "benign_p99": 42.1, "weight": 1.0, "score_without": 3.0}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"feature": "level_evidence", "unit": "nats", "asked": 11.5, "unusual": "high"},
            (
                "how level the accounts' volumes are, against people's (level evidence): 18 nats "
                "the rule asks for at least 11.5 nats; 99 % of ordinary groups have at most 42.1 nats"
            ),
        ),
        (
            {"feature": "gap_cv", "unit": "ratio", "asked": 20.0, "unusual": "low"},
            (
                "how much the gaps between requests vary (gap cv): 18, where low is unusual "
                "the rule asks for at most 20; 99 % of ordinary groups have at most 42.1"
            ),
        ),
        (
            {"feature": "json_share", "unit": "share", "value": 0.505, "benign_p99": 0.0},
            "json share: 50.5 % 99 % of ordinary groups have at most 0 %",
        ),
        (
            {"feature": "link_payment", "unit": "nats", "asked": 0.0, "benign_p99": None},
            "how rare the cards are that they share (link payment): 18 nats the rule asks for more than 0 nats",
        ),
        ({}, "value: 18 99 % of ordinary groups have at most 42.1"),  # alerts of before name neither feature nor bound
    ],
)
def test_a_value_has_its_feature_its_unit_and_what_it_is_unusual_against(make_alert, make_data, more, said):
    page = Page(render_report(make_data([make_alert(reasons=[FIGURES | more])])))
    assert f"t {said} c 1 nats" in page.shown
    marked = [mark for mark in page.all("i") if mark.get("class") == "asked"]
    assert len(marked) == ("asked" in more)


def test_an_account_is_compared_with_accounts(make_alert, make_data):
    page = Page(render_report(make_data([make_alert(members=1, reasons=[FIGURES])])))
    assert "99 % of ordinary accounts have at most 42.1" in page.shown


@pytest.mark.parametrize(("more", "said"), [({}, True), ({"value": 43.0}, False), ({"unusual": "low"}, False)])
def test_a_value_within_the_ordinary_is_explained(make_alert, make_data, more, said):
    page = Page(render_report(make_data([make_alert(reasons=[FIGURES | more])])))
    assert (EACH_ALONE in page.shown) == said


def test_whatever_a_shipped_rule_shows_has_a_meaning():
    assert {rule.feature for rule in load_rules()} <= MEANINGS.keys()
    assert {*FEATURES, *CLUSTER_FEATURES} >= MEANINGS.keys()
