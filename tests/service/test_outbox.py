"""The outbox: every version reaches every channel at least once, under one key, whatever is killed in between."""

import http.server
import json
import threading
import time
from contextlib import contextmanager

import pytest
from making import alert, ticking

from detector.alerts.notify import UndeliveredError
from detector.alerts.store import Store
from detector.config import ChannelSettings, ConfigError, Settings, load_settings
from detector.service.channels import channels_of
from detector.service.outbox import Channel, Outbox


class Told:
    """Remembers what it was told; stops to work after so many."""

    def __init__(self, breaks_after=None):
        self.keys, self.breaks_after = [], breaks_after

    def notify(self, told, key):
        if self.breaks_after == len(self.keys):
            raise RuntimeError("killed")
        self.keys.append((told.id, key))


@pytest.fixture
def store(tmp_path):
    opened = Store(f"sqlite:///{tmp_path / 'store.db'}", ticking())
    yield opened
    opened.close()


def told(store, notifier, severity="high"):
    """All that is due, as the thread of a channel would tell it."""
    channel = Channel(notifier, severity)
    box, at = Outbox(store, {}), store.notified.of("soc", 0)
    while (reached := box.tell("soc", channel, at)) != at:
        at = reached


def test_each_version_is_told_once_and_severities_below_are_not(store):
    store.alerts.upsert([alert("alr_1", severity="high"), alert("alr_2", severity="low")])
    notifier = Told()
    told(store, notifier)
    told(store, notifier)
    assert [name for name, _ in notifier.keys] == ["alr_1"]
    store.alerts.upsert([alert("alr_1", severity="critical"), alert("alr_2", severity="high")])
    told(store, notifier)
    assert [name for name, _ in notifier.keys] == ["alr_1", "alr_1", "alr_2"]
    assert len({key for _, key in notifier.keys}) == 3


def test_what_was_told_before_a_kill_comes_again_under_the_same_key(store):
    store.alerts.upsert([alert(f"alr_{i}", severity="high") for i in range(4)])
    first, again = Told(breaks_after=2), Told()
    with pytest.raises(RuntimeError, match="killed"):
        told(store, first)
    told(store, again)
    assert again.keys[:2] == first.keys
    assert len(again.keys) == 4


def test_a_new_channel_is_not_told_the_past_and_a_known_one_goes_on(store):
    store.alerts.upsert([alert("alr_1", severity="high")])
    assert store.notified.of("late", store.alerts.latest()) == store.alerts.latest()
    store.alerts.upsert([alert("alr_2", severity="high")])
    assert store.notified.of("late", store.alerts.latest()) < store.alerts.latest()


class Away(Told):
    """Takes nothing at first."""

    def notify(self, told, key):
        if not self.keys:
            self.keys.append("refused")
            raise UndeliveredError("away")
        super().notify(told, key)


def test_what_was_not_taken_comes_again_before_anything_newer(store):
    notifier = Away()
    box = Outbox(store, {"bus": Channel(notifier)}, retry_s=0.05)
    box.start()
    time.sleep(0.3)
    store.alerts.upsert([alert("alr_1", severity="high"), alert("alr_2", severity="high")])
    for _ in range(100):
        if len(notifier.keys) == 3:
            break
        time.sleep(0.1)
    box.stop()
    assert [one[0] for one in notifier.keys[1:]] == ["alr_1", "alr_2"]


@contextmanager
def receiver():
    """A server on a free port that keeps what is posted."""
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_channels_of_the_settings_tell_while_the_service_runs(store, tmp_path):
    (tmp_path / "secret").write_text("s" * 32)
    with receiver() as (url, got):
        (tmp_path / "c.toml").write_text(f"""
[[notify]]
name = "soc"
kind = "webhook"
to = "{url}"
secret_file = "{tmp_path / "secret"}"
allow = ["127.0.0.0/8"]

[[notify]]
name = "log"
kind = "file"
to = "{tmp_path / "alerts.ndjson"}"
severity = "low"
body = "ocsf"
""")
        settings = load_settings(tmp_path / "c.toml")
        box = Outbox(store, channels_of(settings.notify, tmp_path))
        box.start()
        time.sleep(0.3)  # both begin where the history is now
        store.alerts.upsert([alert("alr_1", severity="high"), alert("alr_2", severity="low")])
        for _ in range(100):
            if got and (tmp_path / "alerts.ndjson").exists() and len(_lines(tmp_path)) == 2:
                break
            time.sleep(0.1)
        box.stop()
    ((headers, body),) = got
    assert json.loads(body)["id"] == "alr_1"
    assert headers["webhook-id"].startswith("alr_1.")
    assert {line["event"]["class_uid"] for line in _lines(tmp_path)} == {2004}


def _lines(folder):
    return [json.loads(line) for line in (folder / "alerts.ndjson").read_text().splitlines()]


@pytest.mark.parametrize(
    ("channel", "why"),
    [
        ({"kind": "webhook", "to": "https://example.com/x"}, "secret_file"),
        ({"kind": "webhook", "to": "https://example.com/x", "secret_file": "/nowhere/secret"}, "No such file"),
        ({"kind": "alertmanager", "to": "https://example.com/x", "allow": ["everywhere"]}, "everywhere"),
    ],
)
def test_a_channel_that_cannot_be_is_said_at_the_start(tmp_path, channel, why):
    with pytest.raises(ConfigError, match=why):
        channels_of([ChannelSettings(name="soc", **channel)], tmp_path)


def test_two_channels_of_one_name_are_refused(tmp_path):
    one = ChannelSettings(name="soc", kind="file", to=str(tmp_path / "a"))
    with pytest.raises(ConfigError, match="two channels"):
        channels_of([one, one], tmp_path)


def test_an_unknown_key_of_a_channel_is_an_error(tmp_path):
    (tmp_path / "c.toml").write_text('[[notify]]\nname = "a"\nkind = "file"\nto = "x"\nsevrity = "low"\n')
    with pytest.raises(ConfigError, match=r"notify\.0\.sevrity"):
        load_settings(tmp_path / "c.toml")
    assert Settings().notify == []
