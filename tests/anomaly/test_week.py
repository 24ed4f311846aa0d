"""The null of a week: p-values of thinned-out highest scores are never smaller than of all of them, and little larger."""

import msgspec
import numpy as np
import pytest

from detector.scoring.anomaly.conformal import p_values
from detector.scoring.anomaly.week import Week, week_of


@pytest.mark.parametrize("n", [1, 5, 400, 20_000])
def test_thinning_out_makes_p_values_larger_only(n):
    high = np.random.default_rng(n).exponential(size=n)
    asked = np.concatenate([np.linspace(-1, 12, 500), np.round(high[:200], 4)])
    exact, got = p_values(np.sort(np.round(high, 4)), asked), week_of(high).p_values(asked)
    assert (got >= exact - 1e-12).all()
    assert (got - exact).max() <= 0.006
    assert got.min() == pytest.approx(1 / (n + 1))
    tail = exact <= 100 / (n + 1)
    np.testing.assert_allclose(got[tail], exact[tail])


def test_a_week_of_nobody_says_nothing():
    assert week_of(np.zeros(0)).p_values(np.array([-1.0, 100.0])).tolist() == [1, 1]


@pytest.mark.parametrize(
    "fields",
    [
        {"count": 3, "scores": [2.0, 1.0], "beyond": [2, 1]},
        {"count": 3, "scores": [1.0, 2.0], "beyond": [1, 2]},
        {"count": 3, "scores": [1.0], "beyond": [4]},
        {"count": 3, "scores": [1.0], "beyond": [-1]},
        {"count": 3, "scores": [1.0, 2.0], "beyond": [1]},
        {"count": 3, "scores": [1.0], "beyond": [1], "factor": 0.5},
    ],
)
def test_what_is_no_distribution_is_refused(fields):
    with pytest.raises(msgspec.ValidationError, match="no order"):
        msgspec.convert(fields, Week)


def test_of_half_a_week_p_values_are_twice_as_large():
    high = np.random.default_rng(3).exponential(size=1000)
    asked = np.array([0.0, 3.0, 20.0])
    np.testing.assert_allclose(week_of(high, 3.5).p_values(asked), np.minimum(1, 2 * week_of(high).p_values(asked)))
    assert week_of(high, 30).factor == 1
