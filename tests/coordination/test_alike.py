"""A scheduler is told from a habit that many share, of all requests or of those that carry the shared text."""

from types import SimpleNamespace

import numpy as np
import pytest

from detector.coordination.crowd import SEARCHES
from detector.coordination.features.alike import beyond_alike
from detector.coordination.features.level import CROWD, level_evidence
from detector.profiles.layout import COUNT, COUNTS

N, LEAST, WHOLE, PART = 30, 2, 0, 1


def view(requests, carrying, way, level=20.0, several=False, price=0.0):
    counts = np.zeros((N, len(COUNTS)), np.int64)
    counts[:, COUNT["requests"]] = requests
    return SimpleNamespace(
        each=SimpleNamespace(counts=counts),
        size=np.array([float(N)]),
        carrying=np.asarray(carrying, np.float64),
        days=np.full(N, 5.0),
        cluster=np.zeros(N, np.int64),
        level=np.full(N, level / N),
        total=lambda values: np.array([values.sum()]),
        most_level=np.array([way]),
        several=np.array([several]),
        price=np.array([price]),
        least=np.array([LEAST]),
        alike=np.array([False]),
    )


def customers(rng):
    """Accounts of one trade: sizes with a spread of half the mean."""
    return np.maximum(rng.poisson(rng.gamma(4.0, 15.0, N)), LEAST)


@pytest.mark.parametrize("seed", range(4))
def test_a_pool_is_no_habit_and_customers_of_one_trade_are(seed):
    rng = np.random.default_rng(seed)
    assert beyond_alike(view(rng.poisson(60, N), np.zeros(N), WHOLE))[0] > 4.6
    assert beyond_alike(view(customers(rng), np.zeros(N), WHOLE))[0] < 0


@pytest.mark.parametrize("seed", range(4))
def test_what_carries_the_text_is_asked_where_that_is_level(seed):
    rng = np.random.default_rng(seed)
    own, relayed = rng.poisson(40, N), np.maximum(rng.poisson(rng.gamma(1.0, 200.0, N)), 1)
    assert beyond_alike(view(own + relayed, own, PART))[0] > 4.6
    assert beyond_alike(view(own + relayed, own, WHOLE))[0] < 0


def test_members_that_sent_the_text_too_seldom_are_not_asked():
    pool = np.full(N, 60)
    pool[:5] = 1
    assert beyond_alike(view(pool, np.zeros(N), WHOLE))[0] > 4.6


def test_what_is_not_level_is_not_asked():
    assert beyond_alike(view(np.full(N, 60), np.zeros(N), WHOLE, level=-5.0))[0] == 0.0


def test_what_was_put_together_of_several_has_to_show_it_more_clearly():
    pool = np.random.default_rng(5).poisson(60, N)
    alone, several = (beyond_alike(view(pool, np.zeros(N), WHOLE, several=each))[0] for each in (False, True))
    assert several == pytest.approx(alone - np.log(SEARCHES))
    # Level against everybody, as parts are that were chosen for it, and not against accounts alike.
    assert beyond_alike(view(customers(np.random.default_rng(6)), np.zeros(N), WHOLE, several=True))[0] < 0


def test_one_of_many_cores_has_to_show_it_more_clearly():
    pool = np.random.default_rng(5).poisson(60, N)
    for feature in (beyond_alike, level_evidence):
        alone, chosen = (feature(view(pool, np.zeros(N), WHOLE, price=price))[0] for price in (0.0, 1.5))
        assert chosen == pytest.approx(alone - 1.5)


def test_what_a_crowd_of_one_tool_shows_is_taken_off():
    assert level_evidence(view(np.full(N, 60), np.zeros(N), WHOLE, level=CROWD * N))[0] == pytest.approx(0.0)
