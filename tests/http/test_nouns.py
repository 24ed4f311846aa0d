"""Accounts, clusters, recommendations, allowances, labels, rules, tokens, audit."""

import json
import re
from datetime import datetime

import httpx
import pytest
from making import alert
from msgspec.structs import replace
from typer.testing import CliRunner

from detector.alerts.allowance import Allowance, apply, covered
from detector.alerts.model import Case, Reason, Subject
from detector.alerts.notify.indicators import keyed_hash
from detector.alerts.store.forget import Receipt, proves
from detector.cli import app


def test_an_account(state, admin):
    state.store.alerts.upsert([alert("alr_1", ("acct/1", "acct-2"))])
    found = admin("GET", "/v1/accounts/acct/1").json()
    assert found["features"] == {"requests": 3.0}
    assert found["alerts"] == ["alr_1"]
    assert found["recommendation"]["id"] == "rec_alr_1"
    assert admin("GET", "/v1/accounts/nobody").status_code == 404


def test_an_account_is_told_only_what_is_for_it(state, admin):
    """A cluster names whoever was ever in it; its recommendation is for those that it binds."""
    names = ("acct/1", "acct-2", "acct-3")
    bound = alert("alr_1", names, severity="critical")
    others = replace(bound.recommendation, subject=Subject("cluster", "alr_1", names[1:]))
    state.store.alerts.upsert([replace(bound, recommendation=others)])
    found = admin("GET", "/v1/accounts/acct/1").json()
    assert (found["alerts"], found["recommendation"]) == (["alr_1"], None)
    state.store.alerts.upsert([alert("alr_2", ("acct/1",), severity="medium")])
    assert admin("GET", "/v1/accounts/acct/1").json()["recommendation"]["id"] == "rec_alr_2"


def test_an_erasure_reaches_store_and_detector(state, admin):
    state.store.alerts.upsert([alert("alr_1", ("acct/1",))])
    receipt = Receipt(**admin("DELETE", "/v1/accounts/acct/1").json())
    assert proves(receipt, "acct/1")
    assert state.detector.forgotten == ["acct/1"]
    assert admin("GET", "/v1/alerts/alr_1").status_code == 404


@pytest.mark.parametrize("account", ["acct/1", "..", ".", "x\ny", "a b?c#d%2e", "ü" * 250])
def test_any_id_can_be_erased_by_the_query(state, admin, account):
    state.store.alerts.upsert([alert("alr_1", (account,))])
    receipt = Receipt(**admin("DELETE", "/v1/accounts", params={"account_id": account}).json())
    assert proves(receipt, account)
    assert state.detector.forgotten == [account]
    assert admin("GET", "/v1/alerts/alr_1").status_code == 404


@pytest.mark.parametrize("account", ["..", "x\ny"])
def test_the_command_erases_any_id(state, admin, monkeypatch, account):
    def delete(url, params, headers, timeout):  # noqa: ARG001 - the app that answers takes no time
        return admin("DELETE", url.removeprefix("http://127.0.0.1:8000"), params=params)

    monkeypatch.setattr(httpx, "delete", delete)
    done = CliRunner().invoke(app, ["forget", account, "--token", "t"])
    assert done.exit_code == 0, done.output
    assert proves(Receipt(**json.loads(done.stdout)), account)
    assert state.detector.forgotten == [account]


def test_a_cluster(state, admin):
    state.store.alerts.upsert([alert("alr_1"), alert("alr_2", ("acct-9",))])
    found = admin("GET", "/v1/clusters/alr_1").json()
    assert found["links"] == {"template": 2.0}
    assert len(found["members"]) == 3
    assert found["timeline"]["counts"] == [3]
    assert datetime.fromisoformat(found["timeline"]["hours"][0]).tzinfo is not None
    assert admin("GET", "/v1/clusters/alr_2").status_code == 404


def test_hours_that_were_stored_as_epoch_seconds_are_told_like_all_others(state, admin):
    told = {"timeline": {"hours": [1_780_272_000], "counts": [3]}}
    state.store.alerts.upsert([alert("alr_1", evidence=told)])
    assert admin("GET", "/v1/clusters/alr_1").json()["timeline"]["hours"] == ["2026-06-01T00:00:00.000Z"]


@pytest.mark.parametrize("fmt", ["litellm", "kong", "envoy", "ietf"])
def test_recommendations_are_rendered(state, admin, fmt):
    state.store.alerts.upsert([alert("alr_1")])
    assert [r["id"] for r in admin("GET", "/v1/recommendations").json()["items"]] == ["rec_alr_1"]
    plain = admin("GET", "/v1/recommendations/rec_alr_1").json()
    assert plain["action"] == "throttle"
    made = admin("GET", f"/v1/recommendations/rec_alr_1?format={fmt}").json()
    assert made["format"] == fmt
    assert made["recommendation_id"] == "rec_alr_1"
    assert admin("GET", "/v1/recommendations/rec_alr_1?format=nginx").status_code == 422


def test_the_setting_says_what_an_account_is_at_litellm(state, admin):
    state.store.alerts.upsert([alert("alr_1", ("acct-1",))])
    for account_is in ("user", "team", "key"):
        state.litellm_account = account_is
        made = admin("GET", "/v1/recommendations/rec_alr_1?format=litellm").json()
        assert f"/{account_is}/update" in made["preview"]


def test_outcomes(state, admin):
    state.store.alerts.upsert([alert("alr_1")])
    made = admin("POST", "/v1/recommendations/rec_alr_1/outcome", json={"outcome": "applied"})
    assert made.status_code == 201
    assert admin("GET", "/v1/recommendations/rec_alr_1/outcomes").json() == [made.json()]
    assert admin("POST", "/v1/recommendations/none/outcome", json={"outcome": "applied"}).status_code == 404
    assert made.json()["action"] == "throttle"
    assert state.detector.read_again == 1
    admin("POST", "/v1/recommendations/rec_alr_1/outcome", json={"outcome": "challenge_failed"})
    (label,) = admin("GET", "/v1/labels").json()["items"]
    assert (label["kind"], label["subject"], label["label"]) == ("alert", "alr_1", "attack")


def test_allowances(state, admin):
    body = {"name": "research", "account_id": "acct-1", "owner": "lab", "expires_at": "2027-01-01T00:00:00Z"}
    made = admin("POST", "/v1/allowances", json=body)
    assert made.status_code == 201
    path = f"/v1/allowances/{made.json()['id']}"
    assert admin("GET", path).json() == {k: v for k, v in made.json().items() if k != "known"}
    assert admin("PATCH", path, json={"owner": "ops"}).json()["owner"] == "ops"
    assert [a["owner"] for a in admin("GET", "/v1/allowances?account_id=acct-1").json()["items"]] == ["ops"]
    assert admin("DELETE", path).status_code == 204
    assert admin("DELETE", path).status_code == 404
    assert state.detector.allowed == 3
    for wrong in ({"name": "distilation"}, {"expires_at": None}, {"expires_at": "2027-01-01"}, {"owner": ""}):
        assert admin("POST", "/v1/allowances", json=body | wrong).status_code == 422


def test_a_scope_is_of_reason_codes(state, admin):
    body = {"name": "distillation", "account_id": "acct-1", "owner": "lab", "expires_at": "2127-01-01T00:00:00Z"}
    made = admin("POST", "/v1/allowances", json=body | {"scope": "SOFT_LABELS, FIXED_PACE"})
    assert (made.status_code, made.json()["scope"]) == (201, ["SOFT_LABELS", "FIXED_PACE"])
    (held,) = state.store.allowances.by_account()["acct-1"]
    assert covered([held], 1) == {"SOFT_LABELS", "FIXED_PACE"}
    path = f"/v1/allowances/{made.json()['id']}"
    assert admin("PATCH", path, json={"scope": ["SOFT_LABELS"]}).json()["scope"] == ["SOFT_LABELS"]
    assert admin("POST", "/v1/allowances", json=body).json()["scope"] is None
    for method, where in (("POST", "/v1/allowances"), ("PATCH", path)):
        refused = admin(method, where, json=(body if method == "POST" else {}) | {"scope": ["SOFT_LABELS", "A paper"]})
        assert (refused.status_code, "A paper" in refused.json()["detail"]) == (422, True)
    for nothing in ([], "", ["*"], [5], 5):
        assert admin("POST", "/v1/allowances", json=body | {"scope": nothing}).status_code == 422


def test_the_preview_respects_a_scope(state, admin):
    two = [Reason("SOFT_LABELS", "", 1.0, 0.1, 2.0, 10.0), Reason("FIXED_PACE", "", 1.0, 0.1, 2.0, 10.0)]
    state.store.alerts.upsert([alert("alr_2", ("acct-1",), reasons=two)])
    assert would(admin, "acct-1")["hidden"] == ["alr_2"]
    assert would(admin, "acct-1", "distillation&scope=SOFT_LABELS")["weakened"] == ["alr_2"]
    assert would(admin, "acct-1", "distillation&scope=SOFT_LABELS,FIXED_PACE")["hidden"] == ["alr_2"]
    assert would(admin, "acct-1", "distillation&scope=SOFT_LABELS&scope=FIXED_PACE")["hidden"] == ["alr_2"]
    assert admin("GET", "/v1/allowances/preview?account=acct-1&name=research&scope=TYPO").status_code == 422


MANY = tuple(f"acct-{i}" for i in range(1, 61))


def would(admin, account, name="distillation"):
    return admin("GET", f"/v1/allowances/preview?account_id={account}&name={name}").json()


def test_an_allowance_shows_beforehand_what_it_would_hide(state, admin):
    two = [Reason("SOFT_LABELS", "", 1.0, 0.1, 2.0, 10.0), Reason("FIXED_PACE", "", 1.0, 0.1, 2.0, 10.0)]
    state.store.alerts.upsert([alert("alr_1", MANY), alert("alr_2", ("acct-1",), reasons=two)])
    all_of_it = {"hidden": ["alr_2"], "weakened": ["alr_1"], "untouched": [], "leaves": ["alr_1"]}
    assert would(admin, "acct-1") == all_of_it
    some = {"hidden": [], "weakened": ["alr_2"], "untouched": ["alr_1"], "leaves": []}
    assert would(admin, "acct-1", "research") == some
    assert set(would(admin, "acct-1", "embeddings")["untouched"]) == {"alr_1", "alr_2"}
    assert admin("GET", "/v1/allowances/preview?account_id=acct-1&name=typo").status_code == 422


@pytest.mark.parametrize(("others", "hidden"), [(0, False), (1, False), (2, True)])
def test_the_preview_hides_a_cluster_only_where_the_detector_would(state, admin, others, hidden):
    made = alert("alr_1", MANY[:5])
    state.store.alerts.upsert([made])
    given = {"name": "distillation", "owner": "lab", "expires_at": "2127-01-01T00:00:00Z"}
    for other in MANY[1 : 1 + others]:
        admin("POST", "/v1/allowances", json=given | {"account_id": other})
    found = would(admin, "acct-1")
    assert (found["hidden"], found["leaves"]) == ((["alr_1"], []) if hidden else ([], ["alr_1"]))
    allowed = {a: [Allowance("distillation")] for a in MANY[: 1 + others]}
    case = Case("cluster", tuple(made.members), "high", 1, 1, tuple(made.reasons), (), {}, 0, 0, {}, 0)
    assert (apply(case, 1, allowed, None) is None) == hidden, "the preview and the detector are of one mind"
    assert would(admin, MANY[1])["untouched"] == (["alr_1"] if others else []), "who is out leaves nothing"


def test_labels_by_page(admin):
    for i in range(5):
        admin("POST", "/v1/labels", json={"kind": "account", "subject": f"acct-{i}", "label": "attack"})
    first = admin("GET", "/v1/labels?limit=3").json()
    rest = admin("GET", f"/v1/labels?limit=3&cursor={first['next']}").json()
    assert [row["subject"] for row in first["items"] + rest["items"]] == [f"acct-{i}" for i in range(5)]
    assert admin("DELETE", f"/v1/labels/{first['items'][0]['id']}").status_code == 204
    assert len(admin("GET", "/v1/labels?limit=9").json()["items"]) == 4


def test_a_label_needs_an_alert_that_there_is(state, admin):
    state.store.alerts.upsert([alert("alr_1")])
    body = {"kind": "alert", "subject": "alr_1", "label": "benign"}
    assert admin("POST", "/v1/labels", json=body).status_code == 201
    headers = {"Idempotency-Key": "k"}
    missing = admin("POST", "/v1/labels", headers, json=body | {"subject": "alr_2"})
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    assert [row["subject"] for row in admin("GET", "/v1/labels").json()["items"]] == ["alr_1"]
    state.store.alerts.upsert([alert("alr_2")])
    assert admin("POST", "/v1/labels", headers, json=body | {"subject": "alr_2"}).status_code == 201


def test_an_allowance_that_is_over_is_not_granted(state, admin):
    body = {"name": "research", "account_id": "acct-1", "owner": "lab", "expires_at": "2026-01-01T00:00:00Z"}
    refused = admin("POST", "/v1/allowances", json=body)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert "past" in refused.json()["detail"]
    assert (admin("GET", "/v1/allowances").json()["items"], state.detector.allowed) == ([], 0)


def times(answer):
    """Whatever an answer says of when, at any depth."""
    if isinstance(answer, list):
        return [found for each in answer for found in times(each)]
    if not isinstance(answer, dict):
        return []
    mine = [v for k, v in answer.items() if (k == "at" or k.endswith("_at")) and v is not None]
    return mine + times(list(answer.values()))


def test_every_time_is_rfc_3339_in_utc(state, admin):
    state.store.alerts.upsert([alert("alr_1", ("acct/1", "acct-2"))])
    body = {"name": "research", "account_id": "acct/1", "owner": "lab", "expires_at": "2036-07-01T02:00:00.25+02:00"}
    made = admin("POST", "/v1/allowances", json=body).json()
    assert made["expires_at"] == "2036-07-01T00:00:00.250000Z"
    far = admin("PATCH", f"/v1/allowances/{made['id']}", json={"expires_at": "9999-12-31T23:59:59-12:00"})
    assert far.json()["expires_at"].startswith("9999-12-31T23:59:59")
    admin("POST", "/v1/alerts/alr_1/triage", json={"status": "confirmed"})
    admin("POST", "/v1/alerts/alr_1/undo")
    admin("POST", "/v1/recommendations/rec_alr_1/outcome", json={"outcome": "applied"})
    admin("POST", "/v1/labels", json={"kind": "account", "subject": "acct/1", "label": "attack"})
    state.stopping.set()
    for path, least in {
        "/v1/alerts/alr_1/history": 5,
        "/v1/allowances": 2,
        "/v1/labels": 1,
        "/v1/recommendations/rec_alr_1/outcomes": 1,
        "/v1/tokens": 1,
        "/v1/audit": 6,
    }.items():
        found = times(admin("GET", path).json())
        assert len(found) >= least, path
        assert [t for t in found if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", t)] == [], path
    assert times(admin("GET", "/v1/audit").json()).count("2036-07-01T00:00:00.250000Z") == 1, "also in a detail"
    assert times(admin("DELETE", "/v1/accounts/acct/1").json())[0].endswith("Z")
    assert state.store.audit.verify() is None


def test_an_allowance_says_whether_anybody_has_seen_the_account(state, admin):
    body = {"name": "research", "owner": "lab", "expires_at": "2036-01-01T00:00:00Z"}
    for account, known in (("acct/1", True), ("acct/l", False)):
        made = admin("POST", "/v1/allowances", json=body | {"account_id": account})
        assert (made.status_code, made.json()["known"]) == (201, known)
    state.detector.busy = True
    made = admin("POST", "/v1/allowances", json=body | {"account_id": "acct/1"})
    assert (made.status_code, made.json()["known"]) == (201, None), "it is granted all the same"


def test_the_older_name_of_the_account_still_works(state, admin):
    state.store.alerts.upsert([alert("alr_1", ("acct/1",)), alert("alr_2", ("acct-2",))])
    for name in ("account_id", "account"):
        assert [a["id"] for a in admin("GET", "/v1/alerts", params={name: "acct/1"}).json()["items"]] == ["alr_1"]
        assert admin("GET", "/v1/allowances", params={name: "acct/1"}).json()["items"] == []
        would = {name: "acct/1", "name": "distillation"}
        assert admin("GET", "/v1/allowances/preview", params=would).json()["hidden"] == ["alr_1"]
    both = admin("GET", "/v1/alerts", params={"account_id": "acct/1", "account": "acct-2"})
    assert both.json()["errors"][0]["why"] == "Unknown; did you mean account_id?"
    text = admin("GET", "/metrics").text
    assert 'route="/v1/allowances/preview",status="200"' in text


def test_rules(state, admin):
    assert {r["code"] for r in admin("GET", "/v1/rules").json()} == {r.code for r in state.rules}


def test_tokens_show_their_secret_once(admin):
    made = admin("POST", "/v1/tokens", json={"name": "gw", "scopes": ["ingest"]}).json()
    listed = admin("GET", "/v1/tokens")
    assert made["secret"] not in listed.text
    assert made["token"] in listed.json()
    assert admin("DELETE", f"/v1/tokens/{made['token']['id']}").status_code == 204


def test_the_audit_log_is_whole(state, admin):
    state.store.alerts.upsert([alert("alr_1")])
    admin("POST", "/v1/alerts/alr_1/triage", json={"status": "confirmed"})
    entries = admin("GET", "/v1/audit").json()["items"]
    assert (entries[-1]["action"], entries[-1]["actor"]) == ("alert.triage", "admin")
    assert admin("GET", "/v1/audit/verify").json() == {"whole": True, "first_broken": None}


def test_a_cluster_is_drawn_and_a_lone_account_is_not(state, admin):
    state.store.alerts.upsert([alert(), alert("alr_2", ("acct-9",))])
    drawn = admin("GET", "/v1/clusters/alr_1/graph").json()
    kinds = [n["kind"] for n in drawn["nodes"]]
    assert sorted(kinds) == ["account", "account", "account", "template"]
    assert {frozenset(kinds[n] for n in edge[:2]) for edge in drawn["edges"]} == {frozenset({"account", "template"})}
    assert all(0 <= n["x"] <= 1 and 0 <= n["y"] <= 1 for n in drawn["nodes"])
    assert drawn["left_out"] == 0
    assert admin("GET", "/v1/clusters/alr_2/graph").json() == {"nodes": [], "edges": [], "left_out": 1}
    assert admin("GET", "/v1/clusters/none/graph").status_code == 404


def test_appeals_are_counted_by_recommendation(state, admin):
    assert admin("GET", "/v1/recommendations/appeals").json()["overturn_rate"] is None
    state.store.alerts.upsert([alert(f"alr_{i}") for i in range(4)])
    for name, outcomes in {
        "alr_0": ("applied", "appealed", "reverted", "reverted"),
        "alr_1": ("applied", "reverted", "appealed"),  # reverted before anybody appealed
        "alr_2": ("applied", "applied"),
        "alr_3": ("appealed", "appealed"),
    }.items():
        for outcome in outcomes:
            state.store.outcomes.add(f"rec_{name}", name, outcome, "ana")
    told = admin("GET", "/v1/recommendations/appeals").json()
    assert told == {"applied": 3, "appealed": 3, "overturned": 1, "overturn_rate": 1 / 3}


def test_indicators_are_shared_under_a_key_and_not_without(state, admin):
    shown = {"skeletons": [{"text": "grade the ⟨num⟩", "kind": "template", "accounts": 6}]}
    state.store.alerts.upsert([alert("alr_1", evidence=shown), alert("alr_2", evidence=shown, severity="low")])
    assert admin("GET", "/v1/indicators").status_code == 404
    state.indicators_key = b"shared-by-two-providers"
    (row,) = map(json.loads, admin("GET", "/v1/indicators").text.splitlines())
    assert (row["alert_id"], row["kind"]) == ("alr_1", "template")
    assert row["indicator"] == keyed_hash(state.indicators_key, "template", "grade the ⟨num⟩")
    as_csv = admin("GET", "/v1/indicators?format=csv&severity=low&accounts=true").text
    assert as_csv.count("template") == 2
    assert "grade" not in as_csv
    assert "acct-1" not in as_csv
    admin("POST", "/v1/alerts/alr_1/triage", json={"status": "false_positive"})
    assert admin("GET", "/v1/indicators").text == ""
