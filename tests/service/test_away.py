"""The database goes away and comes back: the service waits for it, and loses nothing."""

import signal
import time
from contextlib import contextmanager

import pytest
from making import alert
from postgresql import installed, own
from revenuer import Served, serving, tiny
from running import Deadline

from detector.alerts.store import AwayError, Store
from detector.service.beside import Threads
from detector.service.outbox import Channel, Outbox
from detector.service.patience import outlast

ALONE = pytest.mark.skipif(not installed(), reason="no PostgreSQL: its wheel is not installed")


class Fails:
    """Away so many times."""

    def __init__(self, times):
        self.left, self.done = times, 0

    def __call__(self):
        if self.left:
            self.left -= 1
            raise AwayError("gone")
        self.done += 1
        return self.done


def test_what_failed_is_done_again_until_nobody_wants_it(capsys):
    assert outlast(Fails(3), lambda _: False) == 1
    said = capsys.readouterr().out
    assert (said.count("database_away"), said.count("database_back")) == (1, 1)
    with pytest.raises(AwayError):
        outlast(Fails(3), lambda _: True)


def test_a_thread_that_breaks_is_seen_and_one_that_waits_ends_when_told(capsys):
    def breaks():
        raise ValueError("canarybird")

    away = Fails(1000)
    threads = Threads({"broken": breaks, "away": away}, 5)
    threads.start()
    time.sleep(0.2)
    threads.stop()
    said = capsys.readouterr().out
    assert not threads.alive
    assert away.left < 1000
    assert ("thread_stopped" in said, "ValueError" in said, "canarybird" in said) == (True, True, False)


class Told:
    """Keeps the keys that it is told of."""

    def __init__(self):
        self.keys = []

    def notify(self, _alert, key):
        self.keys.append(key)


@ALONE
@pytest.mark.slow
def test_a_channel_outlasts_a_restart_of_the_database():
    with own() as server:
        store, notifier = Store(server.url), Told()
        box = Outbox(store, {"soc": Channel(notifier)})
        box.start()
        time.sleep(0.3)
        store.alerts.upsert([alert("alr_1")])
        server.stop()
        with pytest.raises(AwayError):
            store.alerts.get("alr_1")
        time.sleep(1.5)
        server.start()
        store.alerts.upsert([alert("alr_2")])
        end = Deadline(20)
        while len({key.partition(".")[0] for key in notifier.keys}) < 2:
            assert not end.passed
            time.sleep(0.05)
        box.stop()
        store.close()


def dropped(data, lines):
    """A file for the inbox, seen as a whole or not at all."""
    (data / "part").write_bytes(b"".join(lines))
    (data / "part").rename(data / "inbox" / f"{len(lines)}.ndjson")


def found(served):
    items = served.client.get("/v1/alerts", params={"severity": "high"}).json()["items"]
    return [(a["id"], a["detected_at"], a["account_detected_at"], a["exchanges"]) for a in items]


def eventually(served, expected):
    """The file of an inbox is in the books before all of it was looked at."""
    end = Deadline(60)
    while found(served) != expected and not end.passed:
        time.sleep(0.2)
    assert found(served) == expected


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    data, lines = tiny(tmp_path_factory.mktemp("undisturbed"))
    with serving(data) as served:
        half = len(lines) // 2
        served.ingest(lines[:half])
        served.ingest(lines[half:])
        whole = found(served)
    assert whole
    return whole


SETTINGS = {"checkpoint_s": 1}


@contextmanager
def half_way(tmp_path, how=signal.SIGINT):
    """A service whose database went away when half of the log was in; the rest waits. Server, service, folder, lines in all."""
    data, lines = tiny(tmp_path)
    half = len(lines) // 2
    with own() as server, serving(data, SETTINGS, "--database", server.url) as served:
        served.ingest(lines[:half])
        server.stop(how)
        dropped(data, lines[half:])
        time.sleep(4)
        yield server, served, data, len(lines)


def whole(served, lines, undisturbed):
    served.settle(lines)
    assert served.books() == {"accepted": lines, "duplicate": 0, "dead_lettered": 0}
    eventually(served, undisturbed)


@ALONE
@pytest.mark.slow
def test_the_service_waits_for_its_database_and_loses_nothing(tmp_path, undisturbed):
    with half_way(tmp_path) as (server, served, _, lines):
        assert served.client.get("/v1/alerts").status_code == 503
        server.start()
        whole(served, lines, undisturbed)
        assert any("database_away" in line for line in served.errors), "or nothing was waited for"


@ALONE
@pytest.mark.slow
def test_told_to_end_while_the_database_is_away_it_ends_in_time_and_goes_on_later(tmp_path, undisturbed):
    with half_way(tmp_path, signal.SIGQUIT) as (server, served, data, lines):
        served.end(10)
        server.start()
        again = Served(data, served.token, SETTINGS, "--database", server.url, forked=True)
        whole(again, lines, undisturbed)
        again.end(10)
