"""Intervals over accounts: what is known of them, and that they cover as often as they say."""

import numpy as np
import pytest

from detector.evaluation.intervals import median_interval, ratio_interval


def test_a_ratio_over_accounts_by_hand():
    # Two accounts of 10 exchanges, 2 and 4 of them leaked: .3 ± 1.96 · sqrt(2 · (1 + 1)) / 20.
    low, high = ratio_interval(np.array([2.0, 4.0]), np.array([10.0, 10.0]))
    assert (low, high) == pytest.approx((0.3 - 1.959964 * 0.1, 0.3 + 1.959964 * 0.1))


def test_one_account_says_nothing_and_accounts_that_agree_say_all():
    assert ratio_interval(np.array([2.0]), np.array([10.0])) == (0.0, 1.0)
    assert ratio_interval(np.zeros(3), np.zeros(3)) == (0.0, 1.0)
    assert ratio_interval(np.array([1.0, 2.0]), np.array([4.0, 8.0])) == (0.25, 0.25)


def test_the_ratio_is_covered_where_accounts_leak_alike_within():
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(400):
        wholes = rng.integers(5, 50, 60).astype(float)
        parts = np.round(wholes * rng.beta(1.0, 4.0, 60))
        low, high = ratio_interval(parts, wholes)
        covered += low <= 0.2 <= high
    assert 0.91 <= covered / 400 <= 0.98


def test_the_median_lies_between_order_statistics():
    assert median_interval([]) is None
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    assert median_interval([6.0, 1.0, 2.0, 3.0, 4.0, 5.0]) == (1.0, 6.0)
    # n = 20: the 6th and the 15th, with 95.9 %.
    assert median_interval([float(value) for value in range(1, 21)]) == (6.0, 15.0)
