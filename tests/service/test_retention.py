"""The thread that keeps a store to its periods."""

import time

import pytest
from making import START, alert

from detector.alerts.store import Keep, Store
from detector.config import RetentionSettings
from detector.service.retention import Retention, kept

HOUR = 3_600_000_000


@pytest.fixture
def store(tmp_path):
    clock = [START]
    opened = Store(f"sqlite:///{tmp_path / 'store.db'}", lambda: clock[0])
    opened.alerts.upsert([alert(severity="medium")])
    opened.alerts.upsert([alert(severity="high")])
    clock[0] += 3 * 24 * HOUR
    yield opened
    opened.close()


def wait_for(what):
    for _ in range(500):
        if what():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to pass")


def test_settings_are_periods():
    assert kept(RetentionSettings()) == Keep(400 * 24 * HOUR, 730 * 24 * HOUR, 24 * HOUR, 90 * 24 * HOUR, None)
    assert kept(RetentionSettings(versions_days=0, labels_days=0, channels_days=0)) == Keep(answers=24 * HOUR)


def test_it_prunes_by_itself_and_ends(store):
    job = Retention(store, RetentionSettings(versions_days=2), (), first_s=0.0)
    job.start()
    wait_for(lambda: len(store.alerts.changes(0)) == 1)
    wait_for(lambda: [e.action for e in store.audit.page()] == ["retention.prune"])
    job.stop()
    assert not job._threads.alive


def test_a_database_that_is_away_is_asked_again(store, monkeypatch, capsys):
    tried = []

    def prune(*_):
        tried.append(1)
        if len(tried) == 1:
            raise OSError("secret place")
        return {}

    monkeypatch.setattr(store, "prune", prune)
    monkeypatch.setattr("detector.service.retention._EVERY_S", 0.0)
    job = Retention(store, RetentionSettings(), (), first_s=0.0)
    job.start()
    wait_for(lambda: len(tried) > 1)
    job.stop()
    said = capsys.readouterr()
    assert "retention_failed" in said.out + said.err
    assert "secret place" not in said.out + said.err
