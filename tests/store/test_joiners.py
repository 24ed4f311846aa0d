"""Accounts that join after a decision open the alert again, as far as they go."""

import pytest
from making import alert

from detector.alerts.store.alerts import Filters

OPEN = Filters(status=("open",))


@pytest.fixture
def decided(store):
    store.alerts.upsert([alert(accounts=("acct-1", "acct-2")), alert("alr_2", ("acct-9",))])
    store.triage.decide("alr_1", "confirmed", "ana")
    return store


def joined(store, *more):
    store.alerts.upsert([alert(accounts=("acct-1", "acct-2", *more))])


def test_those_who_join_are_counted_until_the_next_decision(decided):
    assert [a.id for a in decided.alerts.page(OPEN).items] == ["alr_2"]
    joined(decided, "acct-3")
    joined(decided, "acct-3", "acct-4", "acct-5")
    page = decided.alerts.page(OPEN)
    assert (sorted(a.id for a in page.items), page.joiners) == (["alr_1", "alr_2"], {"alr_1": 3})
    assert decided.alerts.get("alr_1").status == "confirmed"
    assert decided.alerts.page(Filters(status=("confirmed",))).joiners == {"alr_1": 3}
    decided.triage.decide("alr_1", "confirmed", "ben")
    page = decided.alerts.page(OPEN)
    assert ([a.id for a in page.items], page.joiners) == (["alr_2"], {})


def test_an_undone_decision_leaves_those_who_joined_since_the_one_before(decided):
    joined(decided, "acct-3")
    decided.triage.decide("alr_1", "resolved", "ben")
    joined(decided, "acct-3", "acct-4")
    assert decided.alerts.page(OPEN).joiners == {"alr_1": 1}
    decided.triage.undo("alr_1", "ben")
    assert decided.alerts.page(OPEN).joiners == {"alr_1": 2}
    decided.triage.undo("alr_1", "ana")
    page = decided.alerts.page(OPEN)
    assert (sorted(a.id for a in page.items), page.joiners) == (["alr_1", "alr_2"], {})


def test_nobody_counts_as_a_joiner_of_an_open_alert(store):
    store.alerts.upsert([alert(accounts=("acct-1", "acct-2"))])
    joined(store, "acct-3")
    assert store.alerts.page(OPEN).joiners == {}
