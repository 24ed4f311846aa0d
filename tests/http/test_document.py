"""The OpenAPI document, health, and metrics."""

import json
import re
from pathlib import Path

from jsonschema import Draft202012Validator
from prometheus_client.parser import text_string_to_metric_families

from detector.service.http.metrics import Metrics

DOCS = Path(__file__).parents[2] / "docs" / "api.md"
KNOWN = Path(__file__).parents[2] / "dashboards" / "metrics.txt"


def test_the_document_is_of_version_3_1_and_its_examples_fit(admin):
    doc = admin("GET", "/openapi.json").json()
    assert doc["openapi"].startswith("3.1")
    checked = 0
    for path, operations in doc["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            for answer in operation["responses"].values():
                for media in answer.get("content", {}).values():
                    if "example" in media and "schema" in media:
                        schema = {**media["schema"], "components": doc["components"]}
                        Draft202012Validator(schema).validate(media["example"])
                        checked += 1
    assert checked > 20


TIMES = re.compile(r".*_at|at|ts|when|since|until|expires|.*_seen")


def properties(schema):
    """Names and shapes of all properties in a part of the document."""
    if isinstance(schema, list):
        for each in schema:
            yield from properties(each)
    if isinstance(schema, dict):
        found = schema.get("properties")
        yield from found.items() if isinstance(found, dict) else ()
        for each in schema.values():
            yield from properties(each)


def test_no_time_is_a_number(admin):
    doc = admin("GET", "/openapi.json").json()
    times = [(name, json.dumps(shape)) for name, shape in properties(doc) if TIMES.fullmatch(name)]
    assert {name for name, _ in times} >= {"at", "created_at", "expires_at", "revoked_at", "undone_at", "first_seen"}
    assert [one for one in times if "integer" in one[1] or "number" in one[1]] == []


def test_every_route_under_v1_needs_a_token_and_says_so(admin):
    doc = admin("GET", "/openapi.json").json()
    for path, operations in doc["paths"].items():
        for operation in operations.values():
            assert ("security" in operation) == path.startswith("/v1/"), path


def test_health(state, admin):
    assert admin("GET", "/healthz").status_code == 200
    assert admin("GET", "/readyz").status_code == 200
    state.detector.writable = False
    full = admin("GET", "/readyz")
    assert (full.status_code, full.headers["content-type"]) == (503, "application/problem+json")
    assert "data folder" in full.json()["detail"]
    state.detector.ready, state.detector.writable = False, True
    assert admin("GET", "/readyz").status_code == 503
    assert admin("GET", "/healthz").status_code == 200


def test_metrics_never_name_an_account(admin):
    admin("GET", "/v1/accounts/acct-secret")
    admin("GET", "/v1/alerts?account=acct-secret")
    admin("GET", "/acct-secret")
    text = admin("GET", "/metrics").text
    assert 'method="GET",route="/v1/accounts/{account_id:path}",status="404"' in text
    assert "acct-secret" not in text


def test_metrics_are_those_that_dashboards_know():
    metrics, known = Metrics(), {}
    for line in KNOWN.read_text().splitlines():
        if line and not line.startswith("#"):
            name, kind, *labels = line.split()
            known[name] = kind, set(labels[0].split(",")) if labels else set()
    made = {}
    for collector in metrics.registry._collector_to_names:
        name = collector._name + ("_total" if collector._type == "counter" else "")
        made[name] = collector._type, set(collector._labelnames)
    assert made == known
    assert list(text_string_to_metric_families(metrics.exposition().decode()))


def test_every_route_is_in_the_docs_and_no_other(admin):
    doc = admin("GET", "/openapi.json").json()
    there = {f"{m.upper()} {path}" for path, found in doc["paths"].items() for m in found}
    said = set(re.findall(r"^\| `((?:GET|POST|PATCH|DELETE) [^`]+)` \| \w+ \|", DOCS.read_text(), re.MULTILINE))
    assert said == there


def test_the_docs_name_the_scope_that_opens_each_route(as_):
    clients = {scope: as_(scope) for scope in ("read", "triage", "ingest", "admin")}
    for method, path, scope in re.findall(r"^\| `(\w+) (/v1[^`]+)` \| (\w+) \|", DOCS.read_text(), re.MULTILINE):
        asked = path.replace("{number}", "9").replace("{", "").replace("}", "")
        for have, client in clients.items():
            if path != "/v1/alerts/stream":
                refused = client(method, asked).status_code == 403
                assert refused == (have not in {scope, "admin"}), (method, path, have)
