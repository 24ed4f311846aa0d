"""Alerts over REST: pages, filters, tags, decisions, streams."""

import threading

import pytest
from making import alert


@pytest.fixture
def filled(state):
    state.store.alerts.upsert(
        [alert("alr_1"), alert("alr_2", ("acct-2",), "low"), alert("alr_3", ("acct/9",), "critical")]
    )
    return state


def ids(answer):
    return [a["id"] for a in answer.json()["items"]]


@pytest.mark.usefixtures("filled")
def test_pages_and_filters(as_):
    client = as_("read")
    first = client("GET", "/v1/alerts?order=worst&limit=2").json()
    rest = client("GET", f"/v1/alerts?order=worst&limit=2&cursor={first['next']}").json()
    assert [a["id"] for a in first["items"] + rest["items"]] == ["alr_3", "alr_1", "alr_2"]
    assert rest["next"] is None
    assert set(ids(client("GET", "/v1/alerts?severity=high"))) == {"alr_1", "alr_3"}
    assert ids(client("GET", "/v1/alerts?account=acct%2F9")) == ["alr_3"]
    assert ids(client("GET", "/v1/alerts?kind=cluster&status=open&status=confirmed")) == ["alr_1"]
    assert client("GET", "/v1/alerts?cursor=e30").status_code == 422
    assert client("GET", "/v1/alerts?order=newest&cursor=" + first["next"]).status_code == 422


@pytest.mark.usefixtures("filled")
def test_a_tag_changes_with_the_alert(as_):
    client = as_("read", "triage")
    tag = client("GET", "/v1/alerts/alr_1").headers["etag"]
    again = client("GET", "/v1/alerts/alr_1", {"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content) == (304, b"")
    decided = client("POST", "/v1/alerts/alr_1/triage", {"If-Match": tag}, json={"status": "confirmed"})
    assert decided.json()["status"] == "confirmed"
    assert client("GET", "/v1/alerts/alr_1", {"If-None-Match": tag}).status_code == 200
    late = client("POST", "/v1/alerts/alr_1/triage", {"If-Match": tag}, json={"status": "resolved"})
    assert late.status_code == 412


@pytest.mark.usefixtures("filled")
def test_decisions_are_taken_back_and_remembered(as_):
    client = as_("read", "triage")
    client("POST", "/v1/alerts/alr_1/triage", json={"status": "false_positive", "note": "A class"})
    assert client("POST", "/v1/alerts/alr_1/undo").json()["status"] == "open"
    assert client("POST", "/v1/alerts/alr_1/undo").status_code == 409
    assert client("POST", "/v1/alerts/none/undo").status_code == 404
    history = client("GET", "/v1/alerts/alr_1/history").json()
    assert [v["status"] for v in history["versions"]] == ["open", "false_positive", "open"]
    assert history["decisions"][0]["note"] == "A class"
    assert client("POST", "/v1/alerts/alr_1/triage", json={"status": "gone"}).status_code == 422


def test_a_write_sent_twice_is_done_once(filled, as_):
    client, key = as_("read", "triage"), {"Idempotency-Key": "k-1"}
    one = client("POST", "/v1/alerts/alr_1/triage", key, json={"status": "confirmed"})
    two = client("POST", "/v1/alerts/alr_1/triage", key, json={"status": "confirmed"})
    assert one.json() == two.json()
    assert two.headers["idempotency-replayed"] == "true"
    assert len(filled.store.triage.decisions("alr_1")) == 1
    assert client("POST", "/v1/alerts/alr_1/triage", key, json={"status": "open"}).status_code == 422
    missing = client("POST", "/v1/alerts/none/triage", {"Idempotency-Key": "k-2"}, json={"status": "open"})
    assert missing.status_code == 404
    assert client("POST", "/v1/alerts/alr_2/undo", {"Idempotency-Key": "k-2"}).status_code == 409


def test_a_stream_resumes_where_it_was_left(filled, as_):
    threading.Timer(0.2, filled.stopping.set).start()
    text = as_("read")("GET", "/v1/alerts/stream", {"Last-Event-ID": "1"}).text
    events = [block for block in text.split("\n\n") if "event: alert" in block]
    assert [e.splitlines()[0] for e in events] == ["id: 2", "id: 3"]
    assert '"alert_id":"alr_2"' in events[0]
    assert all('"at":"20' in e for e in events)


def test_a_stream_begins_with_what_is_new(filled, as_):
    filled.stopping.set()
    assert "event: alert" not in as_("read")("GET", "/v1/alerts/stream").text
