"""A world small enough to check by hand, and what must hold for any alerts."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.evaluation.evaluate import evaluate
from detector.evaluation.inputs import Alert, Traffic, Truth
from detector.evaluation.intervals import precision_at, wilson

DAY = 86_400.0
KEYS = {
    "account_precision",
    "account_recall",
    "campaigns_found",
    "campaigns",
    "benign_flagged_share",
    "leak",
    "per_campaign",
    "per_innocent",
}

# Campaign "pool": a1 and a2 named, a3 not, a4 without traffic. "solo": b1, never named. "ghost": nobody had traffic.
TRUTH = Truth(
    campaigns={"pool": ["a1", "a2", "a3", "a4"], "solo": ["b1"], "ghost": ["g1"]},
    archetype={
        "a1": "attack",
        "a2": "attack",
        "a3": "attack",
        "b1": "attack",
        "h1": "human",
        "h2": "human",
        "h3": "human",
        "o1": "office",
    },
    attack_times={"a1": [0.0, 100.0, 200.0, 300.0], "a2": [50.0, 150.0], "a3": [10.0, 20.0], "b1": [0.0, 1.0]},
)
TRAFFIC = Traffic(frozenset({"a1", "a2", "a3", "b1", "h1", "h2", "o1"}), 2.0, "requests.ndjson")
ALERTS = [
    Alert("low", "medium", ["a3", "h1"], {"a3": 0.0, "h1": 0.0}),
    Alert("case", "high", ["a1"], {"a1": 200.0}, first_seen=0.0, last_seen=300.0),
    Alert("case", "critical", ["a1", "a2"], {"a1": 250.0, "a2": "1970-01-01T00:02:00Z"}),
    Alert("wrong", "high", ["h2"], {}, detected_at=400.0),
]


def test_every_figure_of_a_small_world():
    result = evaluate(ALERTS, TRUTH, TRAFFIC)
    assert result.account_precision == pytest.approx(2 / 3)
    assert result.account_recall == pytest.approx(2 / 4)
    assert (result.campaigns_found, result.campaigns) == (1, 2)
    assert result.benign_flagged_share == pytest.approx(1 / 3)
    # a1: 0 and 100 come before 200; a2: 50 before 120; a3 and b1: all.
    assert result.leak == pytest.approx((2 + 1 + 2 + 2) / 10)
    # pool's first account is named at 120: a1 0 and 100, a2 50, a3 10 and 20; solo: all.
    assert result.leak_before_first_alert == pytest.approx((2 + 1 + 2 + 2) / 10)
    assert result.counts == {
        "hostile": 4,
        "benign": 3,
        "flagged_hostile": 2,
        "flagged_benign": 1,
        "cases": 2,
        "false_cases": 1,
    }
    assert result.days == 2.0
    assert result.false_cases_per_100k_accounts_day == pytest.approx(1e5 / (3 * 2.0))
    assert result.intervals["account_recall"] == wilson(2, 4)
    assert result.activity == "from requests.ndjson"


def test_every_campaign_and_innocent_of_a_small_world():
    result = evaluate(ALERTS, TRUTH, TRAFFIC)
    assert set(result.per_campaign) == {"pool", "solo"}
    pool, solo = result.per_campaign["pool"], result.per_campaign["solo"]
    assert (pool.accounts, pool.flagged, pool.found) == (3, 2, True)
    assert pool.recall == pytest.approx(2 / 3)
    assert pool.leak == pytest.approx(5 / 8)
    assert pool.time_to_detect_s == pytest.approx((200.0 + 70.0) / 2)
    assert pool.first_alert_s == pytest.approx(120.0)
    assert (solo.flagged, solo.found, solo.leak) == (0, False, 1.0)
    assert solo.time_to_detect_s is None
    assert solo.first_alert_s is None
    innocents = {name: (group.accounts, group.flagged, group.share) for name, group in result.per_innocent.items()}
    assert innocents == {"human": (2, 1, 0.5), "office": (1, 0, 0.0)}


def test_how_sure_and_how_fast_of_a_small_world():
    pool = evaluate(ALERTS, TRUTH, TRAFFIC).per_campaign["pool"]
    assert pool.intervals["recall"] == wilson(2, 3)
    assert "time_to_detect_s" not in pool.intervals
    # a2 is named at 120 s, a1 at 200 s after the start; two are more than half of three.
    assert pool.half_flagged_s == pytest.approx(200.0)
    assert pool.latency["0.25"] == pytest.approx(2 / 3)
    assert list(pool.latency.values()) == sorted(pool.latency.values())
    result = evaluate(ALERTS, TRUTH, TRAFFIC)
    assert result.latency["168"] == pytest.approx(2 / 4)
    assert result.intervals["leak"][0] <= result.leak <= result.intervals["leak"][1]


def test_a_share_of_innocents_has_its_interval():
    human = evaluate(ALERTS, TRUTH, TRAFFIC).per_innocent["human"]
    assert (human.low, human.high) == wilson(1, 2)


def test_the_json_has_the_keys_of_the_contract():
    result = msgspec.json.decode(msgspec.json.encode(evaluate(ALERTS, TRUTH, TRAFFIC)))
    assert set(result) >= KEYS
    assert set(result["per_campaign"]["pool"]) >= {
        "accounts",
        "flagged",
        "recall",
        "found",
        "leak",
        "time_to_detect_s",
        "first_alert_s",
    }
    assert set(result["per_innocent"]["human"]) >= {"accounts", "flagged", "share"}
    assert set(result["precision_at_base_rate"]) == {"1/1000", "1/10000"}


def test_without_traffic_every_account_of_the_truth_counts_but_members_that_never_attacked():
    result = evaluate(ALERTS, TRUTH)
    assert result.campaigns == 2
    assert result.per_campaign["pool"].accounts == 3
    assert result.counts["benign"] == 4
    assert result.activity.startswith("unknown")


def test_an_account_that_no_truth_knows_is_benign():
    alert = Alert("x", "high", ["stranger"], {"stranger": 1.0})
    assert evaluate([alert], TRUTH, TRAFFIC).per_innocent["unknown"].flagged == 1


def test_an_alert_merged_into_another_is_no_case_of_its_own():
    gone = Alert("gone", "high", ["h1"], {"h1": 1.0}, merged_into="wrong")
    assert evaluate([*ALERTS, gone], TRUTH, TRAFFIC).counts["cases"] == 2
    assert evaluate([*ALERTS, gone], TRUTH, TRAFFIC).counts["flagged_benign"] == 2


def test_no_alert_at_all():
    result = evaluate([], TRUTH, TRAFFIC)
    assert (result.account_precision, result.account_recall, result.leak) == (0.0, 0.0, 1.0)
    assert result.campaigns_found == 0
    assert result.false_cases_per_100k_accounts_day == 0.0


def test_exactly_half_of_a_campaign_finds_it():
    truth = Truth(campaigns={"pair": ["a", "b"]}, attack_times={"a": [1.0], "b": [1.0]})
    assert evaluate([Alert("x", "high", ["a"], {"a": 1.0})], truth).campaigns_found == 1


def test_an_exchange_at_the_moment_of_detection_did_not_leak():
    truth = Truth(campaigns={"one": ["a"]}, attack_times={"a": [1.0, 2.0]})
    assert evaluate([Alert("x", "high", ["a"], {"a": 2.0})], truth).leak == 0.5


def test_detection_before_the_first_attack_takes_no_time():
    truth = Truth(campaigns={"one": ["a"]}, attack_times={"a": [10.0]})
    campaign = evaluate([Alert("x", "high", ["a"], {"a": 2.0})], truth).per_campaign["one"]
    assert (campaign.time_to_detect_s, campaign.first_alert_s, campaign.leak) == (0.0, 0.0, 0.0)


def test_wilson_agrees_with_the_printed_table():
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert wilson(0, 0) == (0.0, 1.0)


def test_precision_at_a_base_rate_by_hand():
    assert precision_at(0.001, 0.8, 0.002) == pytest.approx(0.0008 / (0.0008 + 0.999 * 0.002))
    assert precision_at(0.001, 0.0, 0.0) == 0.0


ACCOUNTS = st.sampled_from([f"a{number}" for number in range(8)])
MOMENTS = st.floats(0, 1_000, allow_nan=False)


@st.composite
def worlds(draw):
    campaigns = draw(st.dictionaries(st.sampled_from(["x", "y"]), st.lists(ACCOUNTS, unique=True, max_size=5)))
    hostile = {account for accounts in campaigns.values() for account in accounts}
    attacks = {account: draw(st.lists(MOMENTS, max_size=6)) for account in sorted(hostile)}
    return Truth(campaigns=campaigns, archetype=dict.fromkeys(draw(st.sets(ACCOUNTS)), "kind"), attack_times=attacks)


@st.composite
def alert_lists(draw):
    severities = st.sampled_from(["low", "medium", "high", "critical"])
    named = st.dictionaries(ACCOUNTS, MOMENTS, max_size=6)
    return [
        Alert(draw(st.sampled_from("pqr")), draw(severities), sorted(times), times)
        for times in draw(st.lists(named, max_size=5))
    ]


@given(worlds(), alert_lists())
def test_every_share_is_a_share_and_lies_in_its_interval(truth, alerts):
    result = evaluate(alerts, truth)
    shares = [result.account_precision, result.account_recall, result.benign_flagged_share, result.leak]
    shares += [campaign.leak for campaign in result.per_campaign.values()]
    assert all(0.0 <= value <= 1.0 for value in shares)
    assert result.leak_before_first_alert <= result.leak
    for key, (low, high) in result.intervals.items():
        value = getattr(result, key)
        assert low <= value <= high or (value == 0.0 and (low, high) == (0.0, 1.0))
    for rate in result.precision_at_base_rate.values():
        assert rate.low <= rate.precision <= rate.high


@given(worlds(), alert_lists(), st.floats(0, 500))
def test_later_detection_never_leaks_less(truth, alerts, delay):
    later = [
        msgspec.structs.replace(alert, account_detected_at={a: t + delay for a, t in alert.account_detected_at.items()})
        for alert in alerts
    ]
    early, late = evaluate(alerts, truth), evaluate(later, truth)
    assert early.leak <= late.leak
    for name, campaign in early.per_campaign.items():
        assert (campaign.first_alert_s or 0.0) <= (late.per_campaign[name].first_alert_s or math.inf)


@given(worlds(), alert_lists(), st.randoms(use_true_random=False))
def test_the_order_of_alerts_does_not_matter(truth, alerts, random):
    shuffled = random.sample(alerts, len(alerts))
    assert evaluate(shuffled, truth) == evaluate(alerts, truth)


@given(worlds(), alert_lists(), alert_lists())
def test_more_alerts_never_lower_recall_nor_raise_leak(truth, alerts, more):
    traffic = Traffic(frozenset(f"a{number}" for number in range(8)), 1.0, "all")
    before, after = evaluate(alerts, truth, traffic), evaluate([*alerts, *more], truth, traffic)
    assert before.account_recall <= after.account_recall
    assert before.leak >= after.leak


def test_where_nobody_knows_who_was_active_a_member_that_never_attacked_does_not_count():
    truth = Truth(
        campaigns={"c": ["a", "b"]}, archetype={"a": "attack", "b": "attack"}, attack_times={"a": [1.0], "b": []}
    )
    found = evaluate([Alert("case", "high", ["a"], {"a": 2.0})], truth)
    assert (found.account_recall, found.counts["hostile"], found.counts["benign"]) == (1.0, 1, 0)
    # One that an alert names had traffic; and where the truth tells of no attack, it says nothing of who had.
    assert evaluate([Alert("case", "high", ["b"], {"b": 2.0})], truth).account_recall == 0.5
    assert evaluate([], Truth(campaigns={"c": ["a", "b"]}, archetype={}, attack_times={})).counts["hostile"] == 2
