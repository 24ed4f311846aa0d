import json

import pytest
import yaml

from detector.alerts.model import BlastRadius, Limit, Recommendation, Subject
from detector.alerts.render import FORMATS, render

DAY = 86_400
LIMITS = (Limit("requests", 200, DAY), Limit("output_tokens", 90_000, DAY))
CLUSTER = ("acct-1", "acct-2", "acct-3")
ALL = sorted(FORMATS)


def recommendation(
    accounts=CLUSTER,
    kind="cluster",
    action="throttle",
    limits=LIMITS,
    dry_run=False,
    degrade=(),
):
    ids = {"cluster": "alr_fedcba9876543210", "api_key": "key-9", "end_user": "user-9"}
    return Recommendation(
        id="rec_0123456789abcdef",
        subject=Subject(kind, ids.get(kind) or accounts[0], tuple(accounts)),
        action=action,
        limits=limits,
        degrade=degrade,
        reason_codes=("LOCK_STEP",),
        alert_id="alr_fedcba9876543210",
        created_at="2026-03-01T00:00:00.000Z",
        expires_at="2026-03-08T00:00:00.000Z",
        dry_run=dry_run,
        blast_radius=BlastRadius(len(accounts), 30.0, {"free": len(accounts)}),
    )


def leaves(value):
    if isinstance(value, dict):
        for v in value.values():
            yield from leaves(v)
    elif isinstance(value, list):
        for v in value:
            yield from leaves(v)
    else:
        yield value


CASES = {
    "cluster": recommendation(),
    "account": recommendation(CLUSTER[:1], "account"),
    "key": recommendation(CLUSTER[:1], "api_key"),
    "end_user": recommendation(CLUSTER[:1], "end_user"),
    "rotate": recommendation(CLUSTER[:1], "api_key", "rotate_key"),
    "rotate, no usage known": recommendation(CLUSTER[:1], "api_key", "rotate_key", limits=()),
    "suspend": recommendation(action="suspend", limits=()),
    "degrade": recommendation(CLUSTER[:1], "account", "degrade", degrade=("strip_logprobs",)),
    "parallel": recommendation(limits=(Limit("concurrent_requests", 2, 1), Limit("input_tokens", 7, 7_200))),
    "observe": recommendation(action="observe", limits=()),
    "nobody": recommendation(accounts=()),
    "many": recommendation(accounts=tuple(f"acct-{i:04d}" for i in range(700))),
}


@pytest.mark.parametrize("fmt", ALL)
@pytest.mark.parametrize("name", sorted(CASES))
def test_every_format_renders_every_case_as_json_and_yaml_and_always_the_same(fmt, name):
    made = render(CASES[name], fmt)
    assert json.loads(json.dumps(made)) == made
    assert yaml.safe_load(yaml.safe_dump(made)) == made
    assert render(CASES[name], fmt) == made
    assert made["format"] == fmt
    assert made["dry_run"] is False
    assert made["config"] or made["notes"], "nothing to apply must be explained"
    assert "preview" not in made


@pytest.mark.parametrize("fmt", ALL)
def test_a_cluster_gets_one_budget_or_a_note(fmt):
    made = render(CASES["cluster"], fmt, "key")
    assert any("share" in note for note in made["notes"])
    quotas = [v for v in leaves(made["config"]) if v in {200, 1} and not isinstance(v, bool)]
    assert len(quotas) <= 1, "a budget repeated for each member would multiply it"
    assert all(any(a in str(v) for v in leaves(made["config"])) for a in CLUSTER)


@pytest.mark.parametrize("fmt", ALL)
@pytest.mark.parametrize("name", sorted(CASES))
def test_a_dry_run_is_marked_and_enforces_nothing(fmt, name):
    wet = CASES[name]
    dry = recommendation(wet.subject.accounts, wet.subject.kind, wet.action, wet.limits, True, wet.degrade)
    made = render(dry, fmt)
    assert made["config"] == {}
    assert made["marker"].startswith("DRY RUN")
    assert yaml.safe_load(made["preview"]) is None, "every line must be a comment"
    if render(wet, fmt)["config"]:
        assert len(made["preview"].splitlines()) > 1
    assert json.loads(json.dumps(made)) == made


@pytest.mark.parametrize("fmt", ALL)
@pytest.mark.parametrize("bad", ["a\nkind: Pod", "x: y # z", "a.*", '"; drop', "a\u2028b", "é\x85"])
def test_an_account_id_cannot_break_out_of_the_configuration(fmt, bad):
    made = render(recommendation((bad, "acct-2"), dry_run=True), fmt)
    assert yaml.safe_load(made["preview"]) is None
    wet = render(recommendation((bad, "acct-2")), fmt)
    assert yaml.safe_load(yaml.safe_dump(wet)) == wet
    assert not any(bad in note for note in wet["notes"])


@pytest.mark.parametrize("fmt", ALL)
def test_what_a_gateway_cannot_degrade_is_said(fmt):
    assert any("strip_logprobs" in note for note in render(CASES["degrade"], fmt)["notes"])


def test_an_unknown_format_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="envoy, ietf, kong, litellm"):
        render(CASES["cluster"], "nginx")


def test_litellm_counts_by_the_minute_and_says_how_far_that_is_from_a_day():
    made = render(CASES["account"], "litellm", "key")
    assert made["config"]["calls"] == [
        {"method": "POST", "path": "/key/update", "body": {"key": "acct-1", "rpm_limit": 1, "tpm_limit": 63}}
    ]
    assert any("allows 1440" in note for note in made["notes"])
    blocked = render(CASES["suspend"], "litellm", "key")["config"]["calls"]
    assert [c["body"]["key"] for c in blocked] == list(CLUSTER)
    assert {c["path"] for c in blocked} == {"/key/block"}


def test_litellm_puts_a_cluster_into_a_team():
    first, *rest = render(CASES["cluster"], "litellm", "key")["config"]["calls"]
    assert first["path"] == "/team/new"
    assert first["body"]["rpm_limit"] == 1
    assert {c["body"]["team_id"] for c in rest} == {first["body"]["team_id"]}
    assert all("rpm_limit" not in c["body"] for c in rest)


def calls(case, account_is):
    return [(c["path"], c["body"]) for c in render(case, "litellm", account_is)["config"]["calls"]]


def test_litellm_limits_what_an_account_is_there():
    limits = {"rpm_limit": 1, "tpm_limit": 63}
    assert calls(CASES["account"], "user") == [("/user/update", {"user_id": "acct-1", **limits})]
    assert calls(CASES["account"], "team") == [("/team/update", {"team_id": "acct-1", **limits})]
    assert render(CASES["account"], "litellm") == render(CASES["account"], "litellm", "user")
    for account_is, taken in (("user", "an internal user"), ("team", "a team"), ("key", "a virtual key")):
        assert f"taken for {taken}" in render(CASES["account"], "litellm", account_is)["notes"][0]


def test_litellm_blocks_teams_and_lets_users_ask_nothing():
    assert calls(CASES["suspend"], "team") == [("/team/block", {"team_id": a}) for a in CLUSTER]
    nothing = {"rpm_limit": 0, "tpm_limit": 0}
    assert calls(CASES["suspend"], "user") == [("/user/update", {"user_id": a, **nothing}) for a in CLUSTER]
    notes = " ".join(render(CASES["suspend"], "litellm", "user")["notes"])
    assert "no call that blocks an internal user" in notes
    assert "/key/block" in notes


@pytest.mark.parametrize("account_is", ["user", "team"])
def test_litellm_divides_the_budget_of_a_cluster_where_it_cannot_be_shared(account_is):
    big = recommendation(limits=(Limit("requests", 9 * 1440, DAY), Limit("concurrent_requests", 5, 1)))
    made = calls(big, account_is)
    assert [body for _, body in made] == [{f"{account_is}_id": a, "rpm_limit": 3} for a in CLUSTER]
    notes = " ".join(render(big, "litellm", account_is)["notes"])
    assert "3 a minute for each of 3, which spread evenly allows 12960" in notes
    assert "equal share" in notes
    assert "parallel requests by key only" in notes
    alone = recommendation(limits=(Limit("concurrent_requests", 5, 1),))
    assert render(alone, "litellm", account_is)["config"] == {}


@pytest.mark.parametrize("account_is", ["user", "team", "key"])
def test_litellm_binds_a_key_or_an_end_user_as_such_whatever_an_account_is(account_is):
    assert calls(CASES["key"], account_is) == [("/key/update", {"key": "key-9", "rpm_limit": 1, "tpm_limit": 63})]
    assert [path for path, _ in calls(CASES["end_user"], account_is)] == ["/budget/new", "/customer/update"]


def test_kong_counts_a_group_together_and_an_account_alone():
    group = render(CASES["cluster"], "kong")["config"]["consumer_groups"][0]
    requests, tokens = (p["config"] for p in group["plugins"])
    assert (requests["identifier"], requests["limit"], requests["window_size"]) == ("consumer-group", [200], [DAY])
    assert tokens["policies"][0]["limits"] == [
        {"limit": 90_000, "window_size": DAY, "tokens_count_strategy": "completion_tokens"}
    ]
    assert requests["namespace"] != tokens["namespace"], "tokens must not count as requests"
    alone = render(CASES["account"], "kong")["config"]["consumer_groups"][0]["plugins"][0]["config"]
    assert alone["identifier"] == "consumer"


def test_envoy_matches_members_exactly_in_one_counter():
    (policy,) = render(recommendation(("a.b", "c")), "envoy")["config"]["resources"]
    rules = policy["spec"]["rateLimit"]["global"]["rules"]
    header = rules[0]["clientSelectors"][0]["headers"][0]
    assert header["value"] == r"^(a\.b|c)$"
    assert all(rule["shared"] for rule in rules)
    assert rules[1]["cost"]["response"]["metadata"]["key"] == "llm_output_token"


def test_envoy_names_a_budget_where_a_match_would_be_too_long():
    config = render(CASES["many"], "envoy")["config"]
    header = config["resources"][0]["spec"]["rateLimit"]["global"]["rules"][0]["clientSelectors"][0]["headers"][0]
    assert header == {"name": "x-revenuer-budget", "type": "Exact", "value": "alr_fedcba9876543210"}
    assert set(config["budget_of_account"]) == set(CASES["many"].subject.accounts)


def test_envoy_takes_a_window_that_it_knows():
    config = render(recommendation(limits=(Limit("requests", 7, 7_200),)), "envoy")
    limit = config["config"]["resources"][0]["spec"]["rateLimit"]["global"]["rules"][0]["limit"]
    assert limit == {"requests": 4, "unit": "Hour"}
    assert any("7200" in note for note in config["notes"])


def test_ietf_fields_follow_the_draft():
    headers = render(CASES["account"], "ietf")["config"]["headers"]
    policy, state = headers["RateLimit-Policy"], headers["RateLimit"]
    assert policy.startswith('"requests-86400";q=200;qu="requests";w=86400;pk=:')
    assert state.startswith('"requests-86400";r=200;t=86400;pk=:')
    assert "acct-1" not in policy + state


@pytest.mark.parametrize("fmt", ALL)
@pytest.mark.parametrize("action", ["throttle", "suspend"])
@pytest.mark.parametrize("kind", ["api_key", "end_user"])
def test_a_key_or_end_user_is_bound_and_the_abused_account_is_spared(fmt, action, kind):
    made = render(recommendation(CLUSTER[:1], kind, action), fmt)
    assert not any("acct-1" in str(v) for v in leaves(made["config"]))
    assert made["config"] == {} or any("-9" in str(v) for v in leaves(made["config"]))


@pytest.mark.parametrize("fmt", ALL)
def test_a_key_to_be_rotated_is_limited_as_a_throttled_one_and_the_rotation_is_the_provider_s(fmt):
    made, throttled = render(CASES["rotate"], fmt), render(CASES["key"], fmt)
    assert made["config"] == throttled["config"]
    assert bool(made["config"]) is (fmt != "kong"), "Kong knows no keys"
    note, *others = made["notes"]
    assert "the provider issues a new one and revokes the old one" in note
    assert ("nothing here binds the old one" in note) is (not made["config"])
    assert others == throttled["notes"]


@pytest.mark.parametrize("fmt", ALL)
def test_without_a_quota_a_rotation_says_that_nothing_is_limited(fmt):
    made = render(CASES["rotate, no usage known"], fmt)
    assert made["config"] == {}
    assert "nothing here binds the old one" in made["notes"][0]
    assert "It sets no limit" in made["notes"][1]
