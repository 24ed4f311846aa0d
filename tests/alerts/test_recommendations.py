from datetime import datetime, timedelta

import pytest
from cases import HOUR, START, case, member
from hypothesis import given
from hypothesis import strategies as st

from detector.alerts.model import SEVERITIES, Limit, Named, Subject, rfc3339
from detector.alerts.quota import DAY_S, TierUsage
from detector.alerts.recommendations import LADDER, recommend, unbound

USAGE = TierUsage(
    {
        "free": {"requests": 41.3, "output_tokens": 12_345.0},
        "pro": {"requests": 900.0, "output_tokens": 1e6, "input_tokens": 5.0},
    }
)
# Of all actions, what costs a wronged customer least first.
COST = ["observe", "review", "throttle", "challenge", "degrade", "rotate_key", "suspend"]


def of(found, level="high", members=None, now=START, usage=USAGE, tiers=(), **more):
    """Of accounts that are `free` where `tiers` does not say otherwise."""
    members = list(found.members if members is None else members)
    known = dict(tiers)
    return recommend(
        "alr_1",
        found,
        SEVERITIES.index(level),
        members,
        now,
        usage,
        lambda accounts, _: [known.get(a, "free") for a in accounts],
        **more,
    )


@pytest.mark.parametrize("kind", sorted(LADDER))
def test_the_ladder_rises_with_severity(kind):
    costs = [COST.index(LADDER[kind][severity]) for severity in SEVERITIES]
    # There is nothing beyond the rotation of a key: its account is a victim.
    steps = costs[:-1] if kind == "api_key" else costs
    assert steps == sorted(set(steps)), "each step costs more than the one before"
    assert costs[-1] == max(costs)
    assert LADDER[kind]["low"] == "observe"


def test_it_is_a_dry_run_unless_asked_otherwise():
    assert of(case("a")).dry_run is True
    assert of(case("a"), dry_run=False).dry_run is False


def test_only_core_members_are_bound():
    members = [member("a"), member("b"), member("c", "peripheral")]
    found = of(case("a b c"), members=members)
    assert (found.subject.kind, found.subject.id, found.subject.accounts) == ("cluster", "alr_1", ("a", "b"))
    assert found.blast_radius.accounts == 2


def test_one_account_is_its_own_subject():
    subject = of(case("a")).subject
    assert (subject.kind, subject.id, subject.accounts) == ("account", "a", ("a",))


def test_the_quota_of_a_cluster_is_one_ordinary_account_of_its_commonest_tier():
    assert of(case("a b c"), tiers={"b": "pro"}).limits == (
        Limit("requests", 42, DAY_S),
        Limit("output_tokens", 13_000, DAY_S),
    )
    few, many = (of(case(" ".join(f"a{i}" for i in range(n)))) for n in (3, 40))
    assert few.limits == many.limits, "one budget, however many share it"


def test_an_unknown_tier_gets_the_most_restricted_quota():
    assert (
        of(case("a"), tiers={"a": "unknown"}).limits == of(case("a")).limits != of(case("a"), tiers={"a": "pro"}).limits
    )


def test_no_quota_is_made_up_where_no_usage_is_known():
    assert of(case("a"), usage=TierUsage()).limits == ()
    assert of(case("a"), usage=TierUsage({"free": {"requests": 0.0}})).limits == ()


@pytest.mark.parametrize("level", SEVERITIES)
def test_limits_and_degrading_are_for_actionable_alerts(level):
    found = of(case("a", codes=["SOFT_LABELS", "LOCK_STEP", "SOFT_LABEL_POOL"]), level)
    actionable = level in {"high", "critical"}
    assert bool(found.limits) is actionable
    assert found.degrade == (("strip_logprobs",) if actionable else ())
    assert found.reason_codes == ("SOFT_LABELS", "LOCK_STEP", "SOFT_LABEL_POOL")


@pytest.mark.parametrize(("level", "days"), [("low", 1), ("medium", 1), ("high", 7), ("critical", 7)])
def test_it_expires(level, days):
    found = of(case("a"), level)
    assert found.created_at == rfc3339(START)
    life = datetime.fromisoformat(found.expires_at) - datetime.fromisoformat(found.created_at)
    assert life == timedelta(days=days)


def test_the_id_is_of_the_alert_the_action_and_the_subject_not_of_the_moment():
    first, again = of(case("a b")), of(case("a b c"), now=START + HOUR)
    assert first.id == again.id
    assert first.expires_at < again.expires_at
    assert len({first.id, of(case("a b"), "critical").id, of(case("a")).id}) == 3


def test_the_blast_radius_says_what_acting_would_hit():
    hit = of(case("a b", requests_per_day=12.345), tiers={"a": "pro"}).blast_radius
    assert (hit.accounts, hit.requests_per_day, list(hit.revenue_tier_mix)) == (2, 12.3, ["free", "pro"])


def test_the_tiers_are_of_all_that_are_bound_and_of_nobody_else():
    members = [member("a"), member("b"), member("new"), member("seen", "peripheral")]
    found = of(
        case("a b", tiers={"free": 2}), members=members, tiers={"new": "enterprise", "seen": "pro", "b": "unknown"}
    )
    assert found.blast_radius.revenue_tier_mix == {"enterprise": 1, "free": 1, "unknown": 1}


def test_the_requests_are_of_all_that_are_bound():
    known = case("a b", requests_per_day=20.0, tiers={"free": 2})
    members = [member("a"), member("b"), member("new"), member("newer"), member("seen", "peripheral")]
    assert of(known, members=members).blast_radius.requests_per_day == 40.0
    assert of(known, members=members[:1] + members[-1:]).blast_radius.requests_per_day == 10.0
    assert of(case("a", tiers={}, requests_per_day=7.0)).blast_radius.requests_per_day == 7.0


def test_a_key_is_of_the_tier_of_its_account():
    found = of(case("a", tiers={}), tiers={"a": "pro"}, culprit=Named("api_key", "k", 40, 0))
    assert found.subject.kind == "api_key"
    assert found.blast_radius.revenue_tier_mix == {"pro": 1}
    assert found.limits[0] == Limit("requests", 900, DAY_S)


@pytest.mark.parametrize(
    ("level", "action"), [("low", "observe"), ("medium", "review"), ("high", "rotate_key"), ("critical", "rotate_key")]
)
def test_a_stolen_key_is_rotated_and_limited_until_it_is(level, action):
    found = of(case("a"), level, culprit=Named("api_key", "k", 40, 0))
    assert (found.action, found.subject.kind, found.subject.id) == (action, "api_key", "k")
    assert bool(found.limits) is (action == "rotate_key")


@pytest.mark.parametrize("level", SEVERITIES)
def test_only_a_key_is_rotated(level):
    culprits = {"account": None, "end_user": Named("end_user", "u", 40, 0, alone=True)}
    found = {kind: of(case("a"), level, culprit=culprit) for kind, culprit in culprits.items()}
    assert all(made.action == LADDER[kind][level] != "rotate_key" for kind, made in found.items())
    assert found["end_user"].subject == Subject("end_user", "u", ("a",))


@given(st.floats(1e-6, 1e12))
def test_a_quota_is_never_below_the_use_and_at_most_a_tenth_above(use):
    (limit,) = TierUsage({"t": {"requests": use}}).limits("t")
    assert use <= limit.quota <= max(1.1 * use, use + 1)
    assert len(str(limit.quota).rstrip("0")) <= 2


def test_an_erased_account_is_bound_by_nothing():
    assert unbound(of(case("a")), "a") is None, "its own recommendation would still name it"
    left = unbound(of(case("a b c")), "b")
    assert left.subject.accounts == ("a", "c")
    assert unbound(left, "b") == left
