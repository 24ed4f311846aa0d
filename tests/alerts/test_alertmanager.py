"""A real Alertmanager, routed as in the compose file, takes our alerts, tells a receiver, and lets them end."""

import queue
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import msgspec
import pytest
import yaml
from alertmanager import alertmanager, installed
from cases import START, case
from loopback import listening

from detector.alerts.book import AlertBook
from detector.alerts.model import rfc3339
from detector.alerts.notify import LOOPBACK, Alertmanager, Delivery, Reach

installed()
COMPOSED = Path(__file__).parents[2] / "docker" / "alertmanager.yml"


@contextmanager
def receiver():
    """URL of a webhook, and what Alertmanager sends there."""
    got = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.put(msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with listening(Handler, lingering=True) as url:  # Alertmanager keeps its connection
        yield f"{url}/", got


def config(webhook):
    """As composed, but at once, and with somebody behind `analysts`."""
    out = yaml.safe_load(COMPOSED.read_text())
    out["route"] |= {"group_wait": "10ms", "group_interval": "100ms"}
    for one in out["receivers"]:
        if one["name"] == "analysts":
            one["webhook_configs"] = [{"url": webhook, "send_resolved": True}]
    return out


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    """(URL of an Alertmanager, what its receiver gets)."""
    with receiver() as (webhook, got), alertmanager(tmp_path_factory.mktemp("am"), config(webhook)) as url:
        yield url, got


@pytest.fixture
def notifier(there, tmp_path):
    delivery = Delivery(f"{there[0]}/api/v2/alerts", tmp_path / "letters.ndjson", Reach(LOOPBACK), attempts=1)
    yield Alertmanager(delivery, "https://console.example.com")
    assert not delivery.dead_letters.exists(), delivery.dead_letters.read_text()


def made(accounts, at=START, severity="critical"):
    book = AlertBook()
    book.tick(at, [case(accounts, severity, 97.0)])
    (alert,) = book.alerts()
    return alert


def held(url, alert):
    params = {"filter": f'alert_id="{alert.id}"'}
    return httpx.get(f"{url}/api/v2/alerts", params=params).raise_for_status().json()


def told(got, alert):
    """The next message about an alert."""
    while True:
        message = got.get(timeout=20)
        if message["groupLabels"] == {"alert_id": alert.id}:
            return message


def test_an_alert_is_held_and_told_until_it_is_resolved(there, notifier):
    url, got = there
    alert = made("acct-1 acct-2")
    notifier.notify(alert, "k-1")
    (shown,) = held(url, alert)
    assert shown["status"]["state"] in {"active", "unprocessed"}
    assert shown["receivers"] == [{"name": "analysts"}]
    assert (shown["labels"]["alertname"], shown["labels"]["severity"]) == ("RevenuerAlert", "critical")
    assert shown["annotations"]["reason_codes"] == "LOCK_STEP"
    assert shown["startsAt"] == alert.detected_at
    assert shown["generatorURL"] == f"https://console.example.com/#alert={alert.id}"
    assert told(got, alert)["status"] == "firing"

    alert.status = "resolved"
    notifier.notify(alert, "k-2")
    assert held(url, alert) == []
    assert told(got, alert)["status"] == "resolved"


def test_sending_again_and_opening_again_are_understood(there, notifier):
    url, _ = there
    alert = made("acct-3 acct-4")
    for key, status, shown in (
        ("k-1", "open", 1),
        ("k-1", "open", 1),
        ("k-2", "false_positive", 0),
        ("k-3", "open", 1),
        ("k-4", "resolved", 0),
    ):
        alert.status = status
        notifier.notify(alert, key)
        assert len(held(url, alert)) == shown, (key, status)


@pytest.mark.parametrize("ahead_s", [0, 60, 30 * 86_400])
def test_an_event_clock_ahead_of_ours_is_no_reason_to_refuse(there, notifier, ahead_s):
    alert = made(f"acct-5 acct-{ahead_s}", int((time.time() + ahead_s) * 1e6))
    notifier.notify(alert, "k-1")
    (shown,) = held(there[0], alert)
    assert shown["startsAt"] <= rfc3339(int(time.time() * 1e6))
    alert.status = "resolved"
    notifier.notify(alert, "k-2")
    assert held(there[0], alert) == []
