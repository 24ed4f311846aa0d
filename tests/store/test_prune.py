"""Retention: what is older than it may be goes, what is needed stays, and the audit log says how much."""

import time

import pytest
from making import START, alert

from detector.alerts.store import Keep, Store, prune
from detector.alerts.store.answers import Answer

DAY = 24 * 3_600_000_000


@pytest.fixture
def clock():
    return [START]


@pytest.fixture
def old(url, clock):
    """A store whose rows get older by a day with each `clock[0] += DAY`; three alerts with three versions each."""
    store = Store(url, lambda: clock[0])
    for severity in ("medium", "high", "critical"):
        store.alerts.upsert([alert(f"alr_{i}", (f"acct-{i}",), severity) for i in range(3)])
        clock[0] += DAY
    yield store
    store.close()


def versions(store):
    return [(v.alert_id, v.severity) for v in store.alerts.changes(0)]


def test_old_versions_go_and_the_latest_of_an_alert_stays(old, clock):
    assert old.prune(Keep(versions=2 * DAY)) == {"versions": 3}
    assert {severity for _, severity in versions(old)} == {"high", "critical"}
    clock[0] += 100 * DAY
    assert old.prune(Keep(versions=2 * DAY)) == {"versions": 3}
    assert versions(old) == [(f"alr_{i}", "critical") for i in range(3)]
    assert [old.alerts.get(f"alr_{i}").severity for i in range(3)] == ["critical"] * 3


def test_no_version_goes_that_a_channel_was_not_told_of(old, clock):
    old.notified.of("soc", 1)
    clock[0] += 100 * DAY
    assert old.prune(Keep(versions=0, channels=DAY), ["soc"]) == {"versions": 1}
    assert [v.id for v in old.alerts.changes(1)] == list(range(2, 10))
    old.notified.move("soc", 5)
    assert old.prune(Keep(versions=0, channels=DAY), ["soc"]) == {"versions": 4}


def test_a_place_of_a_channel_goes_where_the_channel_is_gone(old, clock):
    old.notified.of("soc", 1)
    old.notified.of("gone", 1)
    clock[0] += 2 * DAY
    old.notified.of("lately gone", 1)
    assert old.prune(Keep(channels=DAY), ["soc"]) == {"channels": 1}
    assert old.notified.of("soc", 7) == 1
    assert old.notified.of("gone", 7) == 7
    assert old.notified.of("lately gone", 7) == 1


def test_old_labels_and_answers_go(old, clock):
    old.labels.add("account", "acct-1", "attack", "ana")
    old.answers.begin(1, "k", b"a")
    old.answers.finish(1, "k", Answer(200, "{}"))
    old.answers.begin(2, "k", b"a")
    clock[0] += 2 * DAY
    kept = old.labels.add("account", "acct-1", "benign", "ana")
    old.answers.begin(3, "k", b"a")
    assert old.prune(Keep(labels=DAY, answers=DAY)) == {"labels": 1, "answers": 2}
    assert old.labels.page() == [kept]
    assert old.answers.begin(1, "k", b"other") is None


def test_the_log_says_what_went_and_stays_whole(old, clock):
    for status in ("acknowledged", "confirmed"):
        old.triage.decide("alr_1", status, "ana")
    clock[0] += 10 * DAY
    old.triage.decide("alr_1", "open", "ana")
    assert old.prune(Keep(versions=5 * DAY, audit=5 * DAY)) == {"versions": 9, "audit": 2}
    said = [(e.id, e.actor, e.action, e.detail) for e in old.audit.page()]
    assert [(number, actor, action) for number, actor, action, _ in said] == [
        (3, "ana", "alert.triage"),
        (4, "retention", "audit.release"),
        (5, "retention", "retention.prune"),
    ]
    assert said[2][3] == {"versions": 9, "audit": 2}
    assert old.audit.verify() is None
    assert old.prune(Keep(versions=5 * DAY, audit=5 * DAY)) == {}
    assert old.audit.verify() is None


def test_nothing_goes_that_is_kept_for_ever(old, clock):
    old.labels.add("account", "acct-1", "attack", "ana")
    clock[0] += 10_000 * DAY
    before = versions(old), old.labels.page(), old.audit.page()
    assert old.prune(Keep()) == {}
    assert (versions(old), old.labels.page(), old.audit.page()) == before


def test_it_goes_in_small_steps_and_can_be_stopped(old, clock, monkeypatch):
    monkeypatch.setattr(prune, "AT_ONCE", 2)
    for i in range(10):
        old.labels.add("account", f"acct-{i}", "attack", "ana")
    clock[0] += 2 * DAY
    asked = iter([False, False, True])
    assert old.prune(Keep(labels=DAY), stopped=lambda: next(asked)) == {"labels": 4}
    assert [label.subject for label in old.labels.page()] == [f"acct-{i}" for i in range(4, 10)]
    assert old.prune(Keep(labels=DAY, versions=DAY)) == {"labels": 6, "versions": 6}
    assert old.audit.verify() is None


def test_a_stop_between_release_and_removal_is_made_up_for(old, clock, monkeypatch):
    monkeypatch.setattr(prune, "AT_ONCE", 2)
    for _ in range(5):
        old.triage.decide("alr_1", "confirmed", "ana")
    clock[0] += 2 * DAY
    asked = iter([False, True])
    assert old.prune(Keep(audit=DAY), stopped=lambda: next(asked)) == {"audit": 2}
    assert old.audit.verify() is None
    assert old.prune(Keep(audit=DAY)) == {"audit": 3}
    assert old.audit.page()[0].action == "audit.release"
    assert old.audit.verify() is None


def test_a_store_that_is_used_meanwhile(old, clock, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: old.labels.add("account", "acct-1", "benign", "ben"))
    monkeypatch.setattr(prune, "AT_ONCE", 1)
    clock[0] += 2 * DAY
    assert old.prune(Keep(versions=DAY)) == {"versions": 6}
    assert len(old.labels.page()) == 6
    assert old.audit.verify() is None
