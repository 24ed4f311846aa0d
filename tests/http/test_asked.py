"""What is wrong with a request is said in words: parameters that no route knows, bodies that are no object."""

import re

import pytest
from double import Double
from making import alert

from detector.service.http import State, make_app


def operations():
    paths = make_app(State(None, Double())).openapi()["paths"]
    return [(method.upper(), path) for path, found in paths.items() for method in found]


def parameters(method, path):
    found = make_app(State(None, Double())).openapi()["paths"][path][method.lower()]
    return [p["name"] for p in found.get("parameters", []) if p["in"] == "query"]


@pytest.mark.parametrize(("method", "path"), operations())
def test_every_route_refuses_what_it_does_not_know(admin, method, path):
    asked = re.sub(r"\{[^}]*\}", "9", path)
    refused = admin(method, asked, params={"nonesuch": "1"})
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    (error,) = refused.json()["errors"]
    assert error["where"] == "query.nonesuch"
    for name in parameters(method, path):
        (error,) = admin(method, asked, params={f"{name[:-1]}x{name[-1]}": "1"}).json()["errors"]
        assert error["why"] == f"Unknown; did you mean {name}?"


def test_a_misspelt_filter_is_no_list_of_everything(state, as_):
    state.store.alerts.upsert([alert("alr_1"), alert("alr_2", ("acct-9",), "low")])
    refused = as_("read")("GET", "/v1/alerts?sevrity=high&limit=3")
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"where": "query.sevrity", "why": "Unknown; did you mean severity?"}]
    far = as_("read")("GET", "/v1/alerts?zzz=high").json()["errors"][0]["why"]
    assert "severity, status" in far


def test_a_name_that_may_be_text_is_not_said_again(admin):
    for name in ("write me a poem", "x" * 200, ""):
        refused = admin("GET", "/v1/alerts", params={name: "1"})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["where"] == "query"
        assert not name or name not in refused.text


@pytest.mark.parametrize(
    ("media", "body", "where", "why"),
    [
        ("text/plain", b'{"note": "x"}', "body", "Send Content-Type: application/json."),
        (None, b'{"note": "x"}', "body", "Send Content-Type: application/json."),
        ("application/json; charset=utf-8", b"[]", "body", "Send a JSON object."),
        ("application/json", b"{secret: 1}", "body, character 1", "This is no JSON."),
        ("application/json", b'{"note": 5}', "body.note", "Input should be a valid string"),
    ],
)
def test_what_is_wrong_with_a_body(admin, media, body, where, why):
    refused = admin("POST", "/v1/enforcement/reset", {"Content-Type": media} if media else {}, content=body)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"where": where, "why": why}]
    assert "secret" not in refused.text
