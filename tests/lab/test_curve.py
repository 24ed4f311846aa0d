import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.simulator.lab.curve import Curve, gained, gained_by_seed
from detector.simulator.lab.intervals import interval

CURVE = Curve((0, 100, 1000), (0.0, 0.4, 0.8))


def test_measured_points_are_read_as_they_are():
    assert [CURVE.at(n) for n in (0, 100, 1000)] == pytest.approx([0.0, 0.4, 0.8])


def test_past_the_last_point_nothing_more_is_promised():
    assert CURVE.at(1e6) == 0.8


def test_needed_is_where_the_curve_crosses_the_share():
    assert CURVE.needed(0.5) == 100
    assert CURVE.at(CURVE.needed(0.95)) == pytest.approx(0.76, abs=1e-3)


def test_a_curve_that_falls_again_is_crossed_at_its_first_rise():
    assert Curve((0, 10, 20, 30), (0.0, 0.9, 0.2, 0.8)).needed(1.0) == 10


def test_gained_counts_from_the_untrained_student():
    assert gained(0.5, 0.9, 0.1) == pytest.approx(0.5)
    assert gained(0.1, 0.1, 0.1) is None


def test_seeds_that_learn_nothing_say_nothing():
    assert gained_by_seed([0.5, 0.3], [0.9, 0.1], [0.1, 0.1]) == pytest.approx([0.5])


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_an_interval_holds_its_mean(values):
    each = interval(values)
    assert each.low - 1e-12 <= each.mean <= each.high + 1e-12
    assert each.mean == pytest.approx(np.mean(values))


def test_an_interval_is_students_t():
    assert interval([1.0, 2.0, 3.0]).high == pytest.approx(2.0 + 4.302653 / np.sqrt(3))
    assert interval([0.7]).low == 0.7
    with pytest.raises(ValueError, match="no values"):
        interval([])
