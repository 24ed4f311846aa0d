"""Generations: a pool that stops and the one that takes over are set apart, a pool that goes on and a crowd are not."""

import numpy as np
import pytest

from detector.coordination.generations import EARLIER, LATER, generations

HOUR = 3_600_000_000
START = 1_772_409_600_000_000


def worked(rng, accounts, begin, end, ragged=2.0):
    """First and last exchange of accounts that work from `begin` to `end` (hours), each starting and ending up to `ragged` inside."""
    first = START + (HOUR * (begin + ragged * rng.random(accounts))).astype(np.int64)
    last = START + (HOUR * (end - ragged * rng.random(accounts))).astype(np.int64)
    return first, last


def cut(*spans, order=None):
    """Generations of one community of all of these accounts."""
    first, last = (np.concatenate(column) for column in zip(*spans, strict=True))
    if order is not None:
        first, last = first[order], last[order]
    return generations([np.arange(first.size, dtype=np.int32)], first, last)


@pytest.mark.parametrize("seed", range(5))
def test_a_pool_that_stops_and_the_one_after_it_are_two_generations(seed):
    rng = np.random.default_rng(seed)
    found = cut(worked(rng, 20, 24, 68), worked(rng, 20, 70, 168), worked(rng, 5, 0, 168))
    assert [(name, members.tolist()) for name, members in found] == [
        (EARLIER, list(range(20))),
        (LATER, list(range(20, 40))),
    ]


def test_the_order_of_accounts_does_not_matter():
    rng = np.random.default_rng(7)
    spans = worked(rng, 20, 24, 68), worked(rng, 20, 70, 168)
    order = rng.permutation(40)
    (_, before), (_, after) = cut(*spans, order=order)
    assert set(order[before].tolist()) == set(range(20))
    assert set(order[after].tolist()) == set(range(20, 40))


def test_a_pool_that_goes_on_is_one_generation():
    rng = np.random.default_rng(1)
    assert not cut(worked(rng, 40, 0, 100, ragged=20))


def test_too_many_that_work_through_the_change_make_it_no_change():
    rng = np.random.default_rng(2)
    assert not cut(worked(rng, 20, 24, 68), worked(rng, 20, 70, 168), worked(rng, 15, 0, 168))


def test_people_who_come_once_have_no_generations():
    rng = np.random.default_rng(3)
    for _ in range(50):
        begin = 168 * rng.random(30)
        first = START + (HOUR * begin).astype(np.int64)
        assert not cut((first, first + HOUR // 4))


def test_a_crowd_that_has_not_come_back_today_has_not_stopped():
    rng = np.random.default_rng(4)
    assert not cut(worked(rng, 30, 0, 80, ragged=20), worked(rng, 4, 82, 84, ragged=0.5))


def test_pools_that_are_too_small_to_tell_are_left_together():
    rng = np.random.default_rng(5)
    assert not cut(worked(rng, 3, 0, 60), worked(rng, 3, 70, 160))


def test_accounts_that_have_all_come_at_one_moment():
    at = np.full(12, START)
    assert not generations([np.arange(12, dtype=np.int32)], at, at)


def test_no_communities_have_no_generations():
    assert generations([], np.zeros(0, np.int64), np.zeros(0, np.int64)) == []
