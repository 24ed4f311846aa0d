import json
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.evaluation.inputs import InputError
from detector.simulator.lab.orders import Advice, Limit, Order, Recommendation, Subject, bound, orders_of, read_advice

DAY = 86_400


def at(second):
    return f"2026-03-02T00:00:{second:02}Z"


START = 1_772_409_600


def told(second, accounts, *, alert="a", severity="high", until=59, supersedes=(), limits=()):
    made = Recommendation(alert, Subject(list(accounts)), at(second), at(until), list(limits))
    return Advice(severity, made, list(supersedes))


def spells(*advice):
    return {a: sorted((b - START, e - START) for b, e in s) for a, s in bound(orders_of(advice)).items()}


def test_each_recommendation_takes_the_place_of_the_one_before():
    assert spells(told(1, "x"), told(2, "xy"), told(5, "y")) == {"x": [(1, 5)], "y": [(2, 59)]}


def test_only_actionable_ones_bind():
    assert spells(told(1, "x", severity="medium"), told(3, "x", severity="critical")) == {"x": [(3, 59)]}


def test_what_is_not_renewed_runs_out():
    assert spells(told(1, "x", until=4)) == {"x": [(1, 4)]}
    assert spells(told(1, "x", until=4), told(9, "x")) == {"x": [(1, 4), (9, 59)]}


def test_a_merged_alert_binds_nobody_any_more():
    first = told(1, "xy", alert="a")
    assert spells(first, told(3, "x", alert="b", supersedes=["a"])) == {"x": [(1, 3), (3, 59)], "y": [(1, 3)]}
    again = told(5, "x", alert="b", supersedes=["a"])
    assert spells(first, told(3, "x", alert="b", supersedes=["a"]), again)["y"] == [(1, 3)]


def test_the_limits_are_those_of_the_moment():
    one, two = Limit("requests", 1, DAY), Limit("requests", 2, DAY)
    (order,) = orders_of([told(1, "x", limits=[one]), told(5, "x", limits=[two])])
    assert [order.holding(START + t).limits for t in (0, 1, 4, 5, 58, 59)] == [(), (one,), (one,), (two,), (two,), ()]


@given(st.lists(st.frozensets(st.sampled_from("abc"))))
def test_spells_are_when_an_account_is_in_what_holds(sets):
    order = Order()
    for second, accounts in enumerate(sets):
        (made,) = orders_of([told(second, accounts)]) or [Order()]
        order.tell(made.steps[0], inf)
    for account in "abc":
        for second in range(len(sets)):
            inside = any(b <= START + second < e for b, e in order.spells().get(account, []))
            assert inside == (account in order.holding(START + second).accounts) == (account in sets[second])


def test_a_file_is_read_and_a_line_that_is_none_is_named(tmp_path):
    path = tmp_path / "recommendations.ndjson"
    made = {"alert_id": "a", "subject": {"accounts": ["x"]}, "created_at": at(1), "expires_at": at(9), "more": 1}
    path.write_text(json.dumps({"severity": "high", "recommendation": made}) + "\n\n")
    assert [each.recommendation.subject.accounts for each in read_advice(path)] == [["x"]]
    path.write_text('{"id": 3}\n')
    with pytest.raises(InputError, match="no recommendation"):
        read_advice(path)
