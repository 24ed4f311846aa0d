"""The nearest accounts around a group are those that a look at all of them finds."""

import numpy as np
import pytest

from detector.coordination.around import around, beside, places


def all_of_them(place, group, most):
    """By definition."""
    far = ((place - place[group].mean(axis=0)) ** 2).sum(axis=1)
    far[group] = np.inf
    return np.argsort(far, kind="stable")[: min(most, place.shape[0] - group.size)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("accounts", [30, 2_000, 40_000])
def test_they_are_the_nearest_ones(seed, accounts):
    rng = np.random.default_rng(seed)
    place = rng.normal(0, rng.uniform(0.1, 2.0, 7), (accounts, 7)) + rng.integers(0, 3, (accounts, 1))
    of = places(place)
    for size in (5, 20):
        group = rng.choice(accounts, size, replace=False)
        assert around(of, group, 300).tolist() == all_of_them(place, group, 300).tolist()


def test_a_group_far_from_everybody_has_neighbours_too():
    place = np.vstack([np.random.default_rng(1).normal(0, 1e-3, (20_000, 3)), np.full((6, 3), 50.0)])
    group = np.arange(20_000, 20_006)
    assert around(places(place), group, 40).tolist() == all_of_them(place, group, 40).tolist()


def test_accounts_on_one_spot_are_all_counted():
    place = np.zeros((9_000, 2))
    assert around(places(place), np.arange(5), 100).size == 100
    assert around(places(place[:12]), np.arange(5), 100).size == 7


def test_beside_are_the_nearest_outside():
    place = np.arange(40.0)[:, None]
    assert beside(places(place), np.array([0])).tolist() == [*range(1, 11)]
    assert beside(places(place[:10]), np.arange(10)).size == 0


@pytest.mark.parametrize("width", [0.05, 0.5, 3.0])
def test_beside_a_wide_group_are_the_nearest_of_as_many_as_are_looked_at(width):
    rng = np.random.default_rng(7)
    place = np.vstack([rng.normal(0, 1, (6_000, 9)), rng.normal(0, width, (25, 9))])
    group = np.arange(6_000, 6_025)
    rows = all_of_them(place, group, 1_000)
    far = ((place[group][:, None] - place[rows]) ** 2).sum(axis=2)
    assert beside(places(place), group).tolist() == np.unique(rows[np.argsort(far, axis=1)[:, :10]]).tolist()
