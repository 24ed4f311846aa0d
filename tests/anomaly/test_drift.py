"""Drift: silent on the same traffic, loud when it moves."""

import numpy as np
import pytest
from made import COLUMNS, accounts

from detector.scoring.anomaly.drift import LARGE, DriftReference


@pytest.fixture(scope="module")
def reference():
    return DriftReference.of(accounts(3000)[0])


@pytest.mark.parametrize("rows", [30, 300, 3000])
def test_the_same_traffic_has_not_drifted(reference, rows):
    for seed in range(1, 6):
        drift = reference.drift(accounts(rows, seed)[0])
        assert drift.drifted == []
        assert not drift.due


def test_a_small_sample_needs_more(reference):
    assert reference.drift(accounts(3000, 1)[0]).threshold == LARGE
    assert reference.drift(accounts(50, 1)[0]).threshold > LARGE


def test_what_moved_is_named_furthest_first(reference):
    x = accounts(1000, 1)[0]
    x[:, 3] *= 2.0
    x[:, 1] *= 20.0
    drift = reference.drift(x)
    assert drift.drifted == [1, 3]
    assert drift.due


def test_a_field_that_vanished_has_drifted(reference):
    x = accounts(1000, 1)[0]
    x[:, 0] = np.nan
    assert reference.drift(x).drifted == [0]


def test_a_constant_that_changed_has_drifted(reference):
    x = accounts(1000, 1)[0]
    x[:, COLUMNS - 1] = 4.0
    assert reference.drift(x).drifted == [COLUMNS - 1]


def test_one_feature_of_many_is_no_reason_to_fit_again():
    x = np.random.default_rng(0).normal(size=(500, 20))
    moved = np.random.default_rng(1).normal(size=(500, 20))
    moved[:, 4] += 3
    drift = DriftReference.of(x).drift(moved)
    assert drift.drifted == [4]
    assert not drift.due
