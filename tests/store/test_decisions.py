"""Triage and its undoing, labels, allowances, outcomes."""

import pytest
from making import START, alert

from detector.alerts.allowance import Allowance
from detector.alerts.store.allowances import merged
from detector.alerts.store.triage import NothingToUndoError


def test_a_decision_can_be_taken_back_step_by_step(store):
    store.alerts.upsert([alert()])
    assert store.triage.decide("alr_1", "acknowledged", "ana").status == "acknowledged"
    assert store.triage.decide("alr_1", "false_positive", "ben", "a reseller").status == "false_positive"
    assert store.triage.undo("alr_1", "ana").status == "acknowledged"
    assert store.triage.undo("alr_1", "ana").status == "open"
    with pytest.raises(NothingToUndoError):
        store.triage.undo("alr_1", "ana")
    first, second = store.triage.decisions("alr_1")
    assert (first.actor, first.before, first.after, first.undone_by) == ("ana", "open", "acknowledged", "ana")
    assert (second.note, second.before) == ("a reseller", "acknowledged")
    assert second.undone_at < first.undone_at


def test_an_unknown_alert_cannot_be_decided(store):
    assert store.triage.decide("alr_none", "confirmed", "ana") is None
    assert store.triage.undo("alr_none", "ana") is None
    assert store.audit.page() == []


def test_labels(store):
    one = store.labels.add("account", "acct-1", "attack", "ana", "seen it before")
    two = store.labels.add("alert", "alr_1", "benign", "ben")
    assert store.labels.page() == [one, two]
    assert store.labels.page(subject="alr_1") == [two]
    assert store.labels.page(after=one.id) == [two]
    assert store.labels.remove(one.id, "ana")
    assert not store.labels.remove(one.id, "ana")
    assert store.labels.page() == [two]


def test_allowances(store):
    made = store.allowances.grant("research", "acct-1", "lab", START + 10, "ana", ["SOFT_LABELS", "MULTI_SAMPLE"])
    assert store.allowances.get(made.id) == made
    changed = store.allowances.change(made.id, "ana", expires_at=START + 20)
    assert (changed.expires_at, changed.owner, changed.scope) == (START + 20, "lab", ["SOFT_LABELS", "MULTI_SAMPLE"])
    assert store.allowances.by_account() == {
        "acct-1": [Allowance("research", "lab", START + 20, scope=("SOFT_LABELS", "MULTI_SAMPLE"))]
    }
    assert store.allowances.page(account="acct-2") == []
    assert store.allowances.revoke(made.id, "ana")
    assert store.allowances.get(made.id) is None
    assert store.allowances.change(made.id, "ana", owner="x") is None


def test_books_of_allowances_add_up():
    file, stored = {"acct-1": [Allowance("research")]}, {"acct-1": [Allowance("reseller")], "acct-2": []}
    assert merged(file, stored) == {"acct-1": [Allowance("research"), Allowance("reseller")], "acct-2": []}
    assert file == {"acct-1": [Allowance("research")]}


def test_outcomes(store):
    store.alerts.upsert([alert()])
    done = store.outcomes.add("rec_1", "alr_1", "applied", "gateway", "for a day")
    assert store.outcomes.of_alert("alr_1") == [done]
    assert store.outcomes.of_alert("alr_2") == []


def test_outcomes_become_labels_and_bans(store):
    store.alerts.upsert([alert("alr_1"), alert("alr_2"), alert("alr_3")])
    told = [
        ("alr_1", "applied", "suspend"),
        ("alr_1", "appealed", "suspend"),
        ("alr_1", "reverted", "suspend"),
        ("alr_2", "applied", "throttle"),
        ("alr_2", "reverted", "throttle"),
        ("alr_2", "challenge_failed", "challenge"),
        ("alr_3", "challenge_passed", "challenge"),
    ]
    done = [store.outcomes.add(f"rec_{name}_{action}", name, o, "ana", None, action) for name, o, action in told]
    assert [(label.subject, label.label) for label in store.labels.page()] == [
        ("alr_1", "benign"),
        ("alr_2", "attack"),
        ("alr_3", "benign"),
    ]
    assert store.outcomes.suspended_at() == [done[0].at]
    assert store.audit.verify() is None
