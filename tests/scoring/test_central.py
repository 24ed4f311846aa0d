"""The null from the middle: it finds the tail, and what lies beyond the cut does not move it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.scoring.central import PRIOR, central_null, cut_of, truncated_rate
from detector.scoring.reference import Null, load_reference

PRIORS = list(load_reference().null.values())


def scores_of(rng, n, share=0.05, rate=0.7):
    """Most entities score nothing, the rest an exponential beyond a nat, in quarters."""
    tail = 1.0 + np.floor(rng.exponential(1 / rate, n) * 4) / 4
    return np.where(rng.random(n) < share, tail, 0.0)


def test_a_truncated_exponential_has_its_rate_found():
    rng = np.random.default_rng(1)
    drawn = rng.exponential(1 / 0.8, 200_000)
    assert truncated_rate(float(drawn[drawn < 3.0].mean()), 3.0) == pytest.approx(0.8, abs=0.02)
    assert truncated_rate(2.9, 3.0) < 0.01  # rising towards the cut: as flat as may be


@pytest.mark.parametrize("prior", PRIORS)
def test_the_cut_is_where_the_reference_of_before_says(prior):
    assert prior.p_value(cut_of(prior)) <= 1e-4 < prior.p_value(cut_of(prior) - 0.5)


@pytest.mark.parametrize("seed", range(3))
def test_p_values_of_others_of_the_same_kind_hold_and_a_third_of_attackers_changes_nothing(seed):
    rng, prior = np.random.default_rng(seed), PRIORS[0]
    own, others = scores_of(rng, 8_000), scores_of(rng, 100_000)
    hostile = rng.uniform(cut_of(prior) + 0.25, 25.0, 3_400)
    clean, dirty = central_null(own, prior), central_null(np.concatenate([own, hostile]), prior)
    assert dirty == clean
    p = np.array([clean.p_value(s) for s in np.unique(others)])[np.unique(others, return_inverse=True)[1]]
    for level in (0.02, 0.005, 0.001):
        expected = level * others.size
        # Two thousand entities say so much of a tail of theirs, and no more.
        assert (p <= level).sum() < 1.6 * expected + 3 * np.sqrt(expected)


def test_attackers_below_the_cut_make_p_values_larger():
    rng, prior = np.random.default_rng(5), PRIORS[0]
    own = scores_of(rng, 4_000)
    clean = central_null(own, prior)
    dirty = central_null(np.concatenate([own, rng.uniform(3.0, 6.0, 400)]), prior)
    for score in (2.0, 4.0, 8.0, 12.0):
        assert dirty.p_value(score) >= clean.p_value(score)


@given(st.lists(st.floats(0, 30).map(lambda s: round(4 * s) / 4), max_size=400), st.sampled_from([1 / 7, 1.0, 2.0]))
def test_a_higher_score_is_never_less_strange(scores, weeks):
    null = central_null(np.array(scores), PRIORS[1], weeks=weeks)
    p = [null.p_value(s) for s in np.arange(0.25, 30, 0.25)]
    assert all(a >= b - 1e-12 for a, b in pairwise(p))
    assert all(0 < each <= 1 for each in p)


def test_a_short_log_has_fewer_looks_and_says_so():
    own = scores_of(np.random.default_rng(3), 3_000)
    week, day = central_null(own, PRIORS[0]), central_null(own, PRIORS[0], weeks=1 / 7)
    assert day.p_value(8.0) == pytest.approx(7 * week.p_value(8.0))


def test_with_nothing_of_ones_own_it_is_about_that_of_before():
    prior = PRIORS[0]
    null = central_null(np.zeros(0), prior)
    assert null.count <= PRIOR
    for score in (3.0, 6.0, 9.0):
        assert prior.p_value(score) / 3 < null.p_value(score) < 10 * prior.p_value(score)


def test_a_label_counts_as_one_that_reached_the_cut_however_high_it_scored():
    prior = PRIORS[0]
    own = scores_of(np.random.default_rng(4), 2_000)
    without = central_null(own, prior)
    some, higher = (central_null(own, prior, np.full(5, s)) for s in (cut_of(prior) + 1.0, 60.0))
    assert some == higher
    assert without.p_value(15.0) < some.p_value(15.0) < 30 * without.p_value(15.0)


def test_old_references_read_as_before():
    null = Null(count=100, scores=[1.0, 2.0, 3.0, 4.0, 5.0], rate=1.0)
    assert null.threshold is None
    assert null.p_value(6.0) == pytest.approx(min(1 / 101, 0.05 * np.exp(-5.0)))
