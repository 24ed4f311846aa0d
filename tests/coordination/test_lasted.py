"""For how long an account has worked: of few requests the range falls short, which must not make people look level."""

import numpy as np
import pytest

from detector.coordination.behaviour import lasted
from detector.profiles.layout import DAY_US


@pytest.mark.parametrize("requests", [3, 5, 20])
def test_what_the_range_of_few_requests_lacks_is_made_up_for(requests):
    days, rng = 4.0, np.random.default_rng(requests)
    times = (rng.random((20_000, requests)) * days * DAY_US).astype(np.int64)
    found = lasted(times.min(axis=1), times.max(axis=1), np.full(20_000, float(requests)))
    inside = np.clip(found, 1.0, 7.0)
    assert np.array_equal(found, inside)
    # The bounds at one day and at the window take a little from both ends.
    assert found.mean() == pytest.approx(days, rel=0.06)


def test_who_asked_much_has_worked_for_as_long_as_it_took():
    assert lasted(np.array([0]), np.array([3 * DAY_US]), np.array([1000.0]))[0] == pytest.approx(3.0, rel=0.003)


def test_a_single_request_is_a_day():
    assert lasted(np.array([5]), np.array([5]), np.array([1.0])).tolist() == [1.0]
