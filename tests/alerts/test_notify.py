import base64
import csv
import hashlib
import hmac
import io
import ipaddress
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
from cases import HOUR, START, case
from loopback import listening

from detector.alerts.book import AlertBook
from detector.alerts.model import rfc3339
from detector.alerts.notify import (
    LOOPBACK,
    Alertmanager,
    Delivery,
    NdjsonFile,
    Reach,
    RefusedError,
    Webhook,
    detection_finding,
    write_csv,
    write_ndjson,
)
from detector.alerts.notify.indicators import FIELDS, indicators, plain
from detector.alerts.notify.reach import Target

SECRET = b"s" * 32
NOW = 1_800_000_000.0


@contextmanager
def server(*statuses, headers=()):
    """A real server on the loopback that answers with the statuses in turn, the last one for ever."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, dict(self.headers), body))
            self.send_response(statuses[min(len(got), len(statuses)) - 1])
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with listening(Handler) as url:
        yield url, got


def delivery(url, folder, waits=None, **more):
    return Delivery(
        url,
        folder / "dead" / "letters.ndjson",
        Reach(LOOPBACK),
        sleep=(waits if waits is not None else []).append,
        chance=lambda: 1.0,
        **more,
    )


def letters(folder):
    path = folder / "dead" / "letters.ndjson"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def at(*addresses):
    return lambda _host, _port: [ipaddress.ip_address(a) for a in addresses]


@pytest.fixture
def alert():
    book = AlertBook()
    evidence = {"skeletons": [{"text": "Solve ⟨n⟩ and explain", "kind": "template", "accounts": 7}]}
    book.tick(START, [case("acct-1 acct-2", "critical", 97.0, evidence=evidence)])
    (made,) = book.alerts()
    return made


def test_a_webhook_is_signed_and_stamped_so_that_a_receiver_can_check_it(alert, tmp_path):
    with server(204) as (url, got):
        Webhook(delivery(f"{url}/hook?tenant=1", tmp_path), SECRET, clock=lambda: NOW).notify(alert, "k-1")
    ((path, headers, body),) = got
    assert path == "/hook?tenant=1"
    assert headers["webhook-id"] == "k-1"
    assert headers["webhook-timestamp"] == str(int(NOW))
    assert headers["Content-Type"] == "application/json"
    assert headers["Host"] == url.removeprefix("http://")
    mac = hmac.new(SECRET, b"k-1.%d." % NOW + body, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()
    assert json.loads(body)["id"] == alert.id
    assert letters(tmp_path) == []


def test_a_webhook_needs_a_real_secret_and_does_not_show_it(tmp_path):
    with pytest.raises(ValueError, match="24 bytes"):
        Webhook(delivery("https://example.com", tmp_path), b"short")
    assert "sss" not in repr(Webhook(delivery("https://example.com", tmp_path), SECRET))


def test_failures_are_tried_again_with_growing_waits(alert, tmp_path):
    waits = []
    with server(503, 429, 500, 200) as (url, got):
        Webhook(delivery(url, tmp_path, waits), SECRET).notify(alert, "k-1")
    assert len(got) == 4
    assert waits == [1.0, 2.0, 4.0]
    assert {headers["webhook-id"] for _, headers, _ in got} == {"k-1"}
    assert letters(tmp_path) == []


def test_waits_are_jittered_and_bounded(tmp_path):
    waits, draws = [], iter([0.0, 0.25, 1.0, 1.0])
    with server(503) as (url, _):
        there = delivery(url, tmp_path, waits, cap_s=3.0)
        there.chance = lambda: next(draws)
        assert there.post("k", b"{}", lambda _: {}) is False
    assert waits == [0.0, 0.5, 3.0, 3.0]


def test_the_wait_that_a_receiver_asks_for_is_kept_within_bounds(tmp_path):
    waits = []
    with server(429, 200, headers=[("Retry-After", "7")]) as (url, _):
        assert delivery(url, tmp_path, waits).post("k", b"{}", lambda _: {})
    with server(429, 200, headers=[("Retry-After", "86400")]) as (url, _):
        assert delivery(url, tmp_path, waits).post("k", b"{}", lambda _: {})
    assert waits == [7.0, 30.0]


def test_what_cannot_be_delivered_is_kept_with_its_body(alert, tmp_path):
    with server(500) as (url, got):
        Webhook(delivery(url, tmp_path, attempts=3), SECRET).notify(alert, "k-1")
    (letter,) = letters(tmp_path)
    assert len(got) == letter["attempts"] == 3
    assert (letter["key"], letter["problem"], letter["body"]["id"]) == ("k-1", "status 500", alert.id)


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404])
def test_what_will_not_get_better_is_not_tried_again_and_no_redirect_is_followed(tmp_path, status):
    with server(200) as (elsewhere, reached):
        with server(status, headers=[("Location", elsewhere)]) as (url, got):
            assert not delivery(url, tmp_path).post("k", b"{}", lambda _: {})
        assert reached == []
    assert len(got) == 1
    assert letters(tmp_path)[0]["problem"] == f"status {status}"


def test_a_server_that_is_not_there_is_tried_again(tmp_path):
    with server(200) as (url, _):
        pass
    waits = []
    assert not delivery(url, tmp_path, waits, attempts=3).post("k", b"{}", lambda _: {})
    assert len(waits) == 2
    assert letters(tmp_path)[0]["problem"] == "ConnectError"


def test_a_proxy_of_the_environment_is_not_used(tmp_path, monkeypatch):
    with server(200) as (proxy, reached), server(200) as (url, got):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("ALL_PROXY", proxy)
        assert delivery(url, tmp_path).post("k", b"{}", lambda _: {})
    assert (len(got), reached) == (1, [])


def test_the_call_goes_to_the_address_that_was_checked(tmp_path):
    with server(200) as (url, got):
        port = int(url.rsplit(":", 1)[1])
        there = delivery(f"http://hooks.example.com:{port}/x", tmp_path)
        there.reach = Reach(LOOPBACK, at("127.0.0.1"))
        assert there.post("k", b"{}", lambda _: {})
    assert got[0][1]["Host"] == f"hooks.example.com:{port}"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 # an address to refuse
        "192.0.2.1",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "2002:a00:1::",
        "64:ff9b::a9fe:a9fe",
    ],
)
def test_no_private_address_is_called(address):
    with pytest.raises(RefusedError, match="public"):
        Reach(resolver=at(address)).check("https://hooks.example.com/x")
    with pytest.raises(RefusedError, match="public"):
        Reach(resolver=at("9.9.9.9", address)).check("https://hooks.example.com/x")


@pytest.mark.parametrize("url", ["https://2130706433/", "https://0x7f.1/", "https://127.1/", "https://[::1]/"])
def test_other_spellings_of_the_loopback_are_refused(url):
    with pytest.raises(RefusedError):
        Reach().check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/hosts",
        "https://",
        "https://a:b@hooks.example.com/",
        "https://hooks.example.com:99999/",
        "gopher:x",
        "",
    ],
)
def test_only_plain_https_urls_are_called(url):
    with pytest.raises(RefusedError):
        Reach(resolver=at("9.9.9.9")).check(url)


def test_a_network_can_be_allowed_by_name_and_opens_no_other():
    reach = Reach([*LOOPBACK, ipaddress.ip_network("10.9.0.0/16")], at("10.9.0.7"))
    assert reach.check("http://alertmanager:9093/api/v2/alerts") == Target(
        "http", "alertmanager", 9093, "/api/v2/alerts", (ipaddress.ip_address("10.9.0.7"),)
    )
    with pytest.raises(RefusedError):
        Reach(LOOPBACK, at("10.9.0.7")).check("https://alertmanager/")
    with pytest.raises(RefusedError):
        Reach(LOOPBACK, at("9.9.9.9")).check("http://hooks.example.com/")


def test_a_refused_url_becomes_a_dead_letter_at_once(alert, tmp_path):
    Webhook(Delivery("http://127.0.0.1:9/", tmp_path / "d", sleep=pytest.fail), SECRET).notify(alert, "k-1")
    assert json.loads((tmp_path / "d").read_text())["problem"].startswith("refused: ")


def test_alertmanager_gets_labels_that_name_the_alert_and_no_accounts(alert, tmp_path):
    with server(200) as (url, got):
        there = delivery(f"{url}/api/v2/alerts", tmp_path)
        Alertmanager(there, "https://console.example.com/", clock=lambda: NOW).notify(alert, "k-1")
    (path, headers, body) = got[0]
    assert (path, headers["Idempotency-Key"]) == ("/api/v2/alerts", "k-1")
    (sent,) = json.loads(body)
    assert sent["labels"] == {
        "alertname": "RevenuerAlert",
        "alert_id": alert.id,
        "kind": "cluster",
        "severity": "critical",
    }
    assert sent["startsAt"] == rfc3339(START)
    assert sent["endsAt"] == rfc3339(int((NOW + 86_400) * 1e6))
    assert sent["generatorURL"] == f"https://console.example.com/#alert={alert.id}"
    assert all(isinstance(v, str) for v in (sent["labels"] | sent["annotations"]).values())
    assert b"acct-" not in body


@pytest.mark.parametrize("change", [{"status": "resolved"}, {"status": "false_positive"}, {"merged_into": "alr_1"}])
def test_a_closed_alert_ends_now_in_alertmanager_and_closes_in_ocsf(alert, tmp_path, change):
    for name, value in change.items():
        setattr(alert, name, value)
    with server(200) as (url, got):
        Alertmanager(delivery(url, tmp_path), clock=lambda: NOW).notify(alert, "k-1")
    assert json.loads(got[0][2])[0]["endsAt"] == rfc3339(int(NOW * 1e6))
    assert detection_finding(alert)["activity_id"] == 3


def test_ocsf_has_what_its_schema_requires(alert):
    made = detection_finding(alert)
    assert made == json.loads(json.dumps(made))
    assert (made["class_uid"], made["category_uid"], made["type_uid"], made["activity_id"]) == (2004, 2, 200_401, 1)
    assert (made["severity_id"], made["status_id"], made["is_alert"]) == (5, 1, True)
    assert made["time"] == START // 1000
    assert made["finding_info"]["uid"] == alert.id
    assert made["finding_info"]["attacks"][0]["technique"]["uid"] == "AML.T0024.002"
    assert made["metadata"]["product"]["name"] == "Revenuer"
    assert [r["uid"] for r in made["resources"]] == ["acct-1", "acct-2"]


def test_ocsf_tells_growth_from_a_new_finding():
    book = AlertBook()
    book.tick(START, [case("a b")])
    book.tick(START + HOUR, [case("a b c")])
    (grown,) = book.alerts()
    made = detection_finding(grown)
    assert (made["activity_id"], made["type_uid"]) == (2, 200_402)


def test_a_webhook_can_carry_ocsf(alert, tmp_path):
    with server(200) as (url, got):
        Webhook(delivery(url, tmp_path), SECRET, body=detection_finding).notify(alert, "k-1")
    assert json.loads(got[0][2])["class_uid"] == 2004


def test_a_file_takes_each_key_once_even_after_a_crash(alert, tmp_path):
    path = tmp_path / "alerts.ndjson"
    first = NdjsonFile(path, detection_finding)
    for key in ("k-1", "k-1", "k-2"):
        first.notify(alert, key)
    with path.open("ab") as file:
        file.write(b'{"key":"k-3","ev')
    again = NdjsonFile(path, detection_finding)
    for key in ("k-1", "k-2", "k-3"):
        again.notify(alert, key)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["key"] for line in lines] == ["k-1", "k-2", "k-3"]
    assert {line["event"]["class_uid"] for line in lines} == {2004}


def test_indicators_are_hashes_that_only_the_key_matches(alert):
    key, other = b"k" * 16, b"o" * 16
    (row,) = indicators([alert], key)
    assert set(row) == set(FIELDS)
    assert (row["kind"], row["alert_id"]) == ("template", alert.id)
    assert list(indicators([alert], key)) == [row]
    assert next(indicators([alert], other))["indicator"] != row["indicator"]
    assert [r["kind"] for r in indicators([alert], key, accounts=True)].count("account") == 2
    out = io.BytesIO()
    write_ndjson(indicators([alert], key, accounts=True), out)
    assert len(out.getvalue().splitlines()) == 3
    for secret in ("Solve", "explain", "acct-"):
        assert secret not in out.getvalue().decode()
    with pytest.raises(ValueError, match="16 bytes"):
        list(indicators([alert], b"short"))


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "|cmd", "%0A", "＝1"])
def test_no_cell_of_a_csv_is_a_formula(cell):
    out = io.StringIO(newline="")
    write_csv([dict.fromkeys(FIELDS, cell)], out)
    _, row = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert row == [f"'{cell}"] * len(FIELDS)


def test_plain_cells_stay_as_they_are(alert):
    assert plain("alr_1=2") == "alr_1=2"
    assert plain("") == ""
    out = io.StringIO(newline="")
    write_csv(indicators([alert], b"k" * 16), out)
    assert next(csv.DictReader(io.StringIO(out.getvalue())))["alert_id"] == alert.id
