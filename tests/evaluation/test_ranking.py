"""Precision at k: the order is by severity, risk and membership; who stands equal counts by the mean."""

from detector.evaluation.inputs import Alert, Member
from detector.evaluation.population import Population
from detector.evaluation.ranking import precision_at_k

WORLD = Population({"pool": frozenset({f"h{n}" for n in range(12)})}, frozenset({"b1", "b2", "b3"}), {}, "made up")


def alert(severity, risk, accounts, members=()):
    times = dict.fromkeys(accounts, 0.0)
    return Alert(severity + accounts[0], severity, accounts, times, risk=risk, members=list(members))


def test_severity_comes_before_risk():
    ranked = precision_at_k([alert("medium", 99.0, ["b1"]), alert("high", 50.0, [f"h{n}" for n in range(10)])], WORLD)
    assert [(at.k, at.precision) for at in ranked] == [(10, 1.0), (11, 10 / 11)]


def test_an_account_stands_as_high_as_its_best_alert():
    hostile = [f"h{n}" for n in range(10)]
    ranked = precision_at_k(
        [alert("high", 90.0, hostile), alert("low", 1.0, ["b1"]), alert("critical", 99.0, ["b1"])], WORLD
    )
    assert ranked[0].precision == 9 / 10


def test_a_bystander_stands_below_the_core():
    accounts = ["b1", *(f"h{n}" for n in range(10))]
    ranked = precision_at_k([alert("high", 90.0, accounts, [Member("b1", 0.3)])], WORLD)
    assert ranked[0].precision == 1.0


def test_who_stands_equal_counts_by_the_mean():
    ranked = precision_at_k([alert("high", 90.0, ["b1", "b2", *(f"h{n}" for n in range(10))])], WORLD)
    first = ranked[0]
    assert (first.k, first.precision) == (10, 10 / 12)
    assert first.low <= first.precision <= first.high


def test_nobody_named():
    assert precision_at_k([], WORLD) == []
