"""A pool that shares nothing is found among people by what it does, and people are not."""

import dataclasses

import numpy as np
import polars as pl
import pytest

from detector.coordination.behaviour import behaviour_of
from detector.coordination.clusters import active_slots
from detector.coordination.lookalikes import LEAST, Lookalikes
from detector.coordination.volumes import measure_volumes
from detector.profiles.layout import DAY_US, FLAGS
from detector.profiles.store import ProfileStore
from tests.profiles.worlds import START, columns_of, random_exchanges

PEOPLE, POOL = 400, 24
NOW = START + 5 * DAY_US


def traffic(seed, pool=POOL, level=True, wordings=1, longer=0.0):
    """Exchanges of people, each with lengths and a volume of their own, then of a pool with one of both; by account.

    A pool may have several wordings, each so much longer than the one before (a share).
    """
    rng = np.random.default_rng(seed)
    volume = np.maximum(rng.poisson(rng.gamma(1.0, 25.0, PEOPLE)), 1)
    size = rng.poisson(40, pool) if level is True else np.maximum(rng.poisson(rng.gamma(level, 40.0 / level, pool)), 1)
    n = np.concatenate([volume, size])
    account = np.repeat(np.arange(n.size), n)
    place = np.concatenate([rng.normal(6.0, 1.3, PEOPLE), 4.0 + np.log1p(longer) * (np.arange(pool) % wordings)])
    answer = np.concatenate([rng.normal(6.0, 1.3, PEOPLE), np.full(pool, 7.5)])
    raw = random_exchanges(seed, account.size, accounts=1, days=5.0)
    order = rng.permutation(account.size)
    raw["account"] = account[order]
    raw["tokens_in"] = np.exp(rng.normal(place[account], 0.5))[order].astype(np.int64)
    raw["tokens_out"] = np.exp(rng.normal(answer[account], 0.4))[order].astype(np.int64)
    talk = rng.random(n.size)
    talk[PEOPLE:] = 0.0
    raw["flags"] = ((rng.random(account.size) < talk[account]).astype(np.uint32) << FLAGS.index("multi_turn"))[order]
    raw["capability"][:] = np.where(account[order, None] < PEOPLE, raw["capability"], [250, 0, 0, 5, 0, 0, 0, 0])
    return raw


def filled(raw, rows):
    store = ProfileStore()
    store.add(columns_of(store, raw, rows), 0, rows.size)
    return store


def found(store, search=None, everything=True):
    alive = active_slots(store, NOW)
    did = behaviour_of(store, alive, NOW)
    groups = (search or Lookalikes()).find(
        store, alive, measure_volumes(did.counts, did.days), NOW, everything=everything
    )
    return {frozenset(store.ids[s] for s in group) for group in groups}


@pytest.mark.parametrize("seed", range(4))
def test_a_pool_is_found_and_people_are_not(seed):
    raw = traffic(seed)
    groups = found(filled(raw, np.arange(raw["ts"].size)))
    pool = {f"acct_{PEOPLE + k}" for k in range(POOL)}
    assert len(groups) == 1
    (group,) = groups
    assert len(group & pool) >= 0.9 * POOL
    assert len(group - pool) <= 1


@pytest.mark.parametrize("seed", range(4))
def test_a_pool_whose_wordings_differ_in_length_is_found(seed):
    raw = traffic(seed, wordings=3, longer=0.2)
    (group,) = found(filled(raw, np.arange(raw["ts"].size)))
    assert len(group & {f"acct_{PEOPLE + k}" for k in range(POOL)}) >= 0.9 * POOL


@pytest.mark.parametrize("seed", range(4))
def test_alike_but_not_level_is_no_pool(seed):
    raw = traffic(seed, level=1.0)
    assert not found(filled(raw, np.arange(raw["ts"].size)))


@pytest.mark.parametrize("seed", range(4))
def test_many_companies_of_one_habit_are_no_pool_though_their_sizes_are_alike(seed):
    raw = traffic(seed, pool=80, level=3.0)
    assert not found(filled(raw, np.arange(raw["ts"].size)))


def test_a_week_of_searches_finds_none_of_the_most_alike():
    searches = [traffic(seed, level=4.0) for seed in range(100, 128)]
    assert not any(found(filled(raw, np.arange(raw["ts"].size))) for raw in searches)


@pytest.mark.parametrize("seed", range(4))
def test_nobody_is_found_among_people(seed):
    raw = traffic(seed, pool=0)
    assert not found(filled(raw, np.arange(raw["ts"].size)))


def test_the_order_in_which_accounts_were_first_seen_does_not_matter():
    raw = traffic(1)
    n = raw["ts"].size
    one = filled(raw, np.arange(n))
    other = ProfileStore()
    other.slots_of(one.accounts.ident[: len(one)][::-1].copy(), pl.Series(list(one.ids)[: len(one)][::-1]))
    other.add(columns_of(other, raw, np.arange(n)), 0, n)
    assert found(one) == found(other)
    assert found(one)


def test_accounts_with_a_few_requests_are_left_out():
    raw = traffic(2)
    few = raw["account"] >= PEOPLE
    nth = np.zeros(few.size, np.int64)
    for account in range(PEOPLE, PEOPLE + POOL):
        nth[raw["account"] == account] = np.arange((raw["account"] == account).sum())
    rows = np.flatnonzero(~few | (nth < LEAST - 1))
    assert not found(filled(raw, rows))


def test_between_searches_the_groups_stay():
    raw = traffic(3)
    store, search = filled(raw, np.arange(raw["ts"].size)), Lookalikes()
    first = found(store, search)
    before = dataclasses.replace(search)
    assert found(store, search, everything=False) == first
    assert search.when == before.when
