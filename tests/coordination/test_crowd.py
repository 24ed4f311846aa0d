"""A pool is more level than accounts that are alike; groups of those are not, however many are searched."""

import numpy as np
import pytest

from detector.coordination.crowd import ALIKE, LEVEL, beyond_alike, likelihoods

LEAST = 12
ONES = np.ones(20)


def drawn(rng, shape, n=20, mean=60.0):
    """Requests of accounts that are seen, at rates of a gamma distribution."""
    out = np.zeros(0, np.int64)
    while out.size < n:
        more = rng.poisson(rng.gamma(shape, mean / shape, n))
        out = np.concatenate([out, more[more >= LEAST]])
    return out[:n].astype(np.float64)


def beyond(requests, days=ONES):
    return beyond_alike(requests, days, np.array([0, requests.size]), LEAST)[0]


@pytest.mark.parametrize("shape", LEVEL[1:])
def test_a_scheduler_pays_for_a_search_over_many_groups(shape):
    rng = np.random.default_rng(3)
    assert np.mean([beyond(drawn(rng, shape)) > np.log(500) for _ in range(50)]) > 0.9


def test_groups_of_accounts_alike_do_not():
    rng = np.random.default_rng(4)
    found = np.array([beyond(drawn(rng, ALIKE[k % len(ALIKE)])) for k in range(900)])
    for nats in (2.0, 4.0, 6.0):  # a Bayes factor exceeds k once in k times at most, where the null holds
        assert (found > nats).mean() <= np.exp(-nats)


@pytest.mark.parametrize("shape", ALIKE)
def test_nor_do_those_of_whom_most_ask_too_little_to_be_seen(shape):
    rng = np.random.default_rng(14)
    for mean in (5.0, 9.0, 14.0):
        found = np.array([beyond(drawn(rng, shape, n, mean), np.ones(n)) for n in (20, 60, 170) for _ in range(20)])
        assert (found > 4.0).mean() <= 0.05


def test_what_a_text_holds_together_is_seen_nearly_whole():
    requests = np.random.default_rng(15).poisson(4.0, 80)
    requests = requests[requests >= 2].astype(np.float64)
    whole = np.array([0, requests.size]), 2
    of_text = beyond_alike(requests, np.ones(requests.size), *whole, floored=False)[0]
    assert of_text > 2.3
    assert of_text > beyond_alike(requests, np.ones(requests.size), *whole)[0]


def test_larger_groups_of_accounts_alike_look_less_level_not_more():
    rng = np.random.default_rng(5)
    small, large = (np.median([beyond(drawn(rng, 4.0, n), np.ones(n)) for _ in range(40)]) for n in (10, 80))
    assert large < small


def test_a_pool_that_was_replaced_is_level_by_the_day():
    rng = np.random.default_rng(6)
    days = np.repeat([1.0, 6.0], 10)
    requests = rng.poisson(25.0 * days).astype(np.float64)
    assert beyond(requests, days) > np.log(500) > 0 > beyond(requests)


def test_a_pool_that_is_being_replaced_is_level_in_those_who_have_worked_for_a_day():
    rng = np.random.default_rng(9)
    days = np.concatenate([np.linspace(2.0, 4.0, 10), np.ones(8)])
    requests = np.concatenate([rng.poisson(50.0 * days[:10]), rng.integers(LEAST, 40, 8)]).astype(np.float64)
    grown = days > 1.0
    assert beyond(requests, days) == beyond(requests[grown], days[grown]) > 2.3
    crowd = drawn(rng, 2.0, 18)
    assert beyond(crowd, days) < 0


def test_groups_are_judged_one_by_one():
    rng = np.random.default_rng(7)
    one, other = drawn(rng, 33.0), drawn(rng, 2.0)
    both = beyond_alike(np.concatenate([one, other]), np.ones(40), np.array([0, 20, 40]), LEAST)
    np.testing.assert_allclose(both, [beyond(one), beyond(other)])


def test_the_likeliest_shape_is_the_one_drawn():
    rng = np.random.default_rng(8)
    shapes = (0.5, 2.0, 8.0, 32.0)
    for k, shape in enumerate(shapes[:3]):
        many = sum(likelihoods(drawn(rng, shape), ONES, shapes, LEAST)[0] for _ in range(40))
        assert int(np.argmax(many)) == k
