"""The least that a detector can leak, by hand; and no causal detector stays below it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.evaluation.campaigns import leak, measure_campaign
from detector.evaluation.floor import TICK_S, earliest

ATTACKS = {"a": np.array([0.0, 10.0, 700.0]), "b": np.array([400.0, 410.0]), "c": np.array([20.0])}


def test_nothing_gives_a_campaign_away_before_its_second_account():
    moments = earliest({"pool": ["a", "b"]}, ATTACKS)
    assert moments == {"a": 400.0, "b": 400.0}
    # a's exchanges at 0 and 10 come before; b's first is the evidence.
    assert leak({name: ATTACKS[name] for name in "ab"}, moments) == pytest.approx(2 / 5)


def test_at_ticks_an_account_has_until_the_next_one():
    moments = earliest({"pool": ["a", "b"]}, ATTACKS, TICK_S)
    assert moments == {"a": 600.0, "b": 600.0}
    assert leak({name: ATTACKS[name] for name in "ab"}, moments) == pytest.approx(4 / 5)


def test_a_moment_on_a_tick_belongs_to_the_tick_after():
    assert earliest({"pool": ["x", "y"]}, {"x": np.array([300.0]), "y": np.array([300.0])}, TICK_S)["x"] == 600.0


def test_an_account_alone_needs_a_second_exchange():
    assert earliest({"solo": ["a"]}, ATTACKS) == {"a": 10.0}
    assert earliest({"solo": ["c"]}, ATTACKS) == {"c": math.inf}


def test_an_account_of_two_campaigns_may_be_given_away_by_either():
    assert earliest({"late": ["a", "b"], "early": ["a", "c"]}, ATTACKS)["a"] == 20.0


def test_the_floor_stands_beside_what_was_reached():
    floors = earliest({"pool": ["a", "b"]}, ATTACKS), earliest({"pool": ["a", "b"]}, ATTACKS, TICK_S)
    result = measure_campaign(["a", "b"], ATTACKS, {"a": 700.0}, floors)
    assert (result.leak, result.least.leak, result.least_at_ticks.leak) == (4 / 5, 2 / 5, 4 / 5)
    assert (result.least.first_alert_s, result.least.time_to_detect_s) == (400.0, 200.0)
    assert result.least_at_ticks.time_to_detect_s == (600.0 + 200.0) / 2


MOMENTS = st.lists(st.integers(0, 2_000).map(float), min_size=1, max_size=5)


@given(st.dictionaries(st.sampled_from("abcde"), MOMENTS, min_size=2), st.integers(0, 3_000))
def test_no_detector_that_needs_two_accounts_leaks_less(sent, delay):
    attacks = {name: np.sort(times) for name, times in sent.items()}
    second = sorted(times[0] for times in attacks.values())[1]
    # It names everybody as soon as it has seen two accounts, and whoever comes later at once.
    detector = {name: max(second, float(times[0])) + delay for name, times in attacks.items()}
    floor = leak(attacks, earliest({"pool": sorted(attacks)}, attacks))
    assert floor <= leak(attacks, detector)
    assert floor <= leak(attacks, earliest({"pool": sorted(attacks)}, attacks, TICK_S))
    assert delay or floor == leak(attacks, detector)
