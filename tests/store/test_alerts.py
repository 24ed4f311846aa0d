"""Alerts in the store: nothing said is taken back, pages miss nothing, versions tell what happened."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import MINUTE, START, alert
from sqlalchemy.event import listen

from detector.alerts.model import SEVERITIES, Member, rfc3339
from detector.alerts.store import Store
from detector.alerts.store.alerts import Filters
from detector.alerts.store.cursor import CursorError, encode
from detector.alerts.store.grow import grow


def test_what_is_stored_comes_back(store):
    assert store.alerts.upsert([alert()]) == 1
    assert store.alerts.get("alr_1") == alert()
    assert store.alerts.get("alr_none") is None


def test_the_same_again_changes_nothing(store):
    store.alerts.upsert([alert()])
    assert store.alerts.upsert([alert()]) == 0
    assert len(store.alerts.history("alr_1")) == 1


def test_a_detector_that_started_anew_takes_nothing_back(store):
    store.alerts.upsert([alert(severity="critical")])
    store.alerts.upsert([alert(accounts=("acct-1", "acct-9"), severity="low", at=START + MINUTE)])
    now = store.alerts.get("alr_1")
    assert now.severity == "critical"
    assert now.accounts == ["acct-1", "acct-2", "acct-3", "acct-9"]
    assert now.risk == alert(severity="critical").risk
    assert now.detected_at == rfc3339(START)
    assert {m.account_id for m in now.members} == set(now.accounts) == now.account_detected_at.keys()


def test_status_is_the_peoples(store):
    store.alerts.upsert([alert()])
    store.triage.decide("alr_1", "confirmed", "ana")
    store.alerts.upsert([alert(severity="critical")])
    assert store.alerts.get("alr_1").status == "confirmed"


def test_versions_tell_who_joined_and_what_rose(store):
    store.alerts.upsert([alert(severity="medium")])
    store.alerts.upsert([alert(accounts=("acct-1", "acct-2", "acct-3", "acct-4"), severity="high")])
    store.triage.decide("alr_1", "confirmed", "ana")
    first, second, third = store.alerts.history("alr_1")
    assert (first.severity, first.joined, first.accounts) == ("medium", ["acct-1", "acct-2", "acct-3"], 3)
    assert (second.severity, second.joined, second.accounts) == ("high", ["acct-4"], 4)
    assert (third.status, third.joined) == ("confirmed", [])
    assert store.alerts.changes(first.id) == [second, third]
    assert store.alerts.latest() == third.id


def test_a_superseded_alert_is_marked_and_hidden(store):
    store.alerts.upsert([alert("alr_1"), alert("alr_2", ("acct-7",))])
    store.alerts.upsert([alert("alr_1", ("acct-1", "acct-2", "acct-3", "acct-7"), supersedes=["alr_2"])])
    assert store.alerts.get("alr_2").merged_into == "alr_1"
    assert [a.id for a in store.alerts.page(Filters()).items] == ["alr_1"]
    assert len(store.alerts.page(Filters(merged=True)).items) == 2


@pytest.mark.parametrize("order", ["newest", "worst"])
def test_pages_give_every_alert_once_in_order(store, order):
    made = [
        alert(f"alr_{i}", (f"acct-{i}",), SEVERITIES[i % 4], START + (i % 3) * MINUTE, risk=float(i % 5))
        for i in range(17)
    ]
    store.alerts.upsert(made)
    seen, after = [], None
    while True:
        page = store.alerts.page(Filters(), order=order, after=after, limit=4)
        seen += page.items
        after = page.next
        if after is None:
            break
    key = {
        "newest": lambda a: (a.detected_at, a.id),
        "worst": lambda a: (SEVERITIES.index(a.severity), a.risk, a.id),
    }[order]
    assert [a.id for a in seen] == [a.id for a in sorted(made, key=key, reverse=True)]


def test_filters(store):
    store.alerts.upsert(
        [alert("alr_1"), alert("alr_2", ("acct-2",), "low"), alert("alr_3", ("acct-9",), "critical")],
    )
    store.triage.decide("alr_3", "resolved", "ana")

    def found(**filters):
        names = {a.id for a in store.alerts.page(Filters(**filters)).items}
        assert store.alerts.count(Filters(**filters)) == len(names)
        return names

    assert found(severity="high") == {"alr_1", "alr_3"}
    assert found(status=("resolved", "confirmed")) == {"alr_3"}
    assert found(kind="cluster") == {"alr_1"}
    assert found(account="acct-2") == {"alr_1", "alr_2"}
    assert found(account="acct-2", kind="account") == {"alr_2"}


@pytest.mark.parametrize("order", ["newest", "worst"])
def test_a_list_is_found_in_an_index_whatever_is_filtered(tmp_path, order):
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")  # PostgreSQL plans by statistics, and there are none
    given = {"severity": "high", "status": ("open", "resolved"), "kind": "account", "recommending": True}
    asked = []
    engine = store._database.engine
    listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2:4]))
    for some in ({}, *({k: v} for k, v in given.items()), given):
        asked.clear()
        store.alerts.stored(
            Filters(**some), order=order, after=encode([0, "a"] if order == "newest" else [0, 1.5, "a"])
        )
        ((statement, values),) = [one for one in asked if one[0].startswith("SELECT")]
        with engine.connect() as connection:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
        (inner,) = [step for step in plan if "INDEX alerts_" in step]
        assert f"COVERING INDEX alerts_{order}" in inner, plan
        assert sum("TEMP B-TREE" in step for step in plan) <= 1, "only the page itself is sorted"
    store.close()


@pytest.mark.parametrize("cursor", ["", "x", "e30", "ünreadable", encode(["a", 1]), encode([1])])
def test_a_foreign_cursor_is_refused(store, cursor):
    with pytest.raises(CursorError):
        store.alerts.page(Filters(), after=cursor)


accounts = st.sets(st.sampled_from([f"acct-{i}" for i in range(6)]), min_size=1)
versions = st.builds(
    lambda who, severity, at: alert(accounts=tuple(who), severity=severity, at=START + at * MINUTE),
    accounts,
    st.sampled_from(SEVERITIES),
    st.integers(0, 9),
)


@given(versions, versions)
def test_growing_never_shrinks(old, new):
    grown = grow(old, new)
    assert set(grown.accounts) == {*old.accounts, *new.accounts}
    assert grown.account_detected_at.keys() == set(grown.accounts)
    assert SEVERITIES.index(grown.severity) == max(SEVERITIES.index(a.severity) for a in (old, new))
    assert grown.risk == max(old.risk, new.risk)
    assert {m.account_id for m in grown.members} == set(grown.accounts)
    assert grow(grown, new) == grown


@given(versions)
def test_growing_by_itself_changes_nothing(one):
    assert grow(one, one) == one


def test_an_account_of_a_rise_counts_from_the_rise():
    old = alert(accounts=("acct-1",), severity="medium", at=START)
    new = alert(accounts=("acct-1",), severity="high", at=START + MINUTE)
    assert grow(old, new).account_detected_at == {"acct-1": rfc3339(START + MINUTE)}


def test_a_member_keeps_its_latest_word():
    old, new = alert(), alert()
    new = msgspec.structs.replace(new, members=[Member("acct-1", 0.5, "peripheral", 99, 1)])
    grown = grow(old, new)
    assert grown.members[0].exchanges == 99
    assert len(grown.members) == 3
