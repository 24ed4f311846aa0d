"""Who may do what, how often and how much; errors are problems; every answer is guarded."""

from pathlib import Path

import pytest
from double import Client
from making import alert

from detector.alerts.store.tokens import Token
from detector.service.http.access import ExposedError, check_exposure
from detector.service.http.bucket import Buckets

OPEN = {"/healthz", "/readyz", "/metrics"}
SCOPES = ("read", "triage", "ingest", "admin")


def operations(client):
    doc = client("GET", "/openapi.json").json()
    return [(m.upper(), p) for p, ops in doc["paths"].items() for m in ops if p not in OPEN]


def test_nothing_is_told_without_a_token(state):
    client = Client(state)
    for method, path in operations(client):
        answer = client(method, path.replace("{", "").replace("}", ""), json={})
        assert answer.status_code in {401, 422}, path
        if answer.status_code == 422:  # the number in the path is none
            answer = client(method, path.replace("{number}", "1"), json={})
            assert answer.status_code == 401, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_wrong_or_revoked_token_opens_nothing(state):
    token, secret = state.store.tokens.issue("ana", ("admin",), "test")
    assert Client(state, secret)("GET", "/v1/alerts").status_code == 200
    assert Client(state, secret[:-1] + "!")("GET", "/v1/alerts").status_code == 401
    state.store.tokens.revoke(token.id, "test")
    assert Client(state, secret)("GET", "/v1/alerts").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v1/alerts", "read"),
        ("POST", "/v1/alerts/alr_1/undo", "triage"),
        ("POST", "/v1/ingest", "ingest"),
        ("GET", "/v1/audit", "admin"),
        ("DELETE", "/v1/accounts/acct-1", "admin"),
    ],
)
def test_scopes(as_, method, path, scope):
    for have in SCOPES:
        status = as_(have)(method, path).status_code
        assert (status == 403) == (have not in {scope, "admin"}), have


def test_a_token_has_a_rate(state):
    state.buckets = Buckets(1.0, 2)
    client = Client(state, state.store.tokens.issue("ana", ("read",), "test")[1])
    answers = [client("GET", "/v1/rules") for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) >= 1
    other = Client(state, state.store.tokens.issue("ben", ("read",), "test")[1])
    assert other("GET", "/v1/rules").status_code == 200


def test_a_bucket_fills_again():
    clock = [0.0]
    buckets = Buckets(2.0, 1, lambda: clock[0])
    assert buckets.take(1) == 0
    assert buckets.take(1) == 0.5
    clock[0] = 0.5
    assert buckets.take(1) == 0


def test_bodies_are_bounded(admin):
    for content in (b"x" * 5000, chunks()):
        answer = admin("POST", "/v1/labels", content=content)
        assert answer.status_code == 413
        assert answer.json()["status"] == 413


async def chunks():
    for _ in range(50):
        yield b"x" * 100


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("PUT", "/v1/alerts"), ("GET", "/v1/alerts/none")])
def test_errors_are_problems(admin, method, path):
    answer = admin(method, path)
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["title"]
    assert body["detail"]


def test_a_refusal_repeats_nothing_of_the_request(admin):
    answer = admin("POST", "/v1/labels", json={"kind": "secret prompt", "subject": "a", "label": "attack"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "body.kind"
    assert "secret prompt" not in answer.text


def test_a_fault_is_a_problem_without_details(state, admin):
    state.detector.account = lambda _: 1 / 0
    answer = admin("GET", "/v1/accounts/acct-1")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "division" not in answer.text


def test_answers_are_guarded(state, admin):
    state.store.alerts.upsert([alert()])
    for path in ("/v1/alerts", "/healthz", "/nowhere", "/console/"):
        headers = admin("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]


DATA = Path("my data")


def test_no_open_port_without_a_token():
    token = Token(1, "ana", ("admin",), 0)
    for host in ("127.0.0.1", "::1", "localhost"):
        check_exposure(host, [], DATA)
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.com"):  # noqa: S104 - refused here
        check_exposure(host, [token], DATA)
        with pytest.raises(ExposedError, match=r"serve --data 'my data' --new-token NAME"):
            check_exposure(host, [], DATA)
        with pytest.raises(ExposedError):
            check_exposure(host, [Token(1, "ana", ("admin",), 0, 5)], DATA)
