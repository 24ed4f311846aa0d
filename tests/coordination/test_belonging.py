"""Bystanders are told from members by who stands right beside the group."""

import numpy as np
import pytest

from detector.coordination.around import places
from detector.coordination.behaviour import Behaviour
from detector.coordination.belonging import ODDS, odds, settled
from detector.coordination.counted import counted, of_others, tabulated
from detector.coordination.features.twins import log_marginal
from detector.profiles.layout import COUNT, LENGTH_BINS, N_CAPABILITIES

PEOPLE, POOL, REQUESTS = 300, 20, 150


def peaked(centre, width):
    """Shares of lengths around a centre."""
    bins = np.arange(LENGTH_BINS)
    share = np.exp(-0.5 * ((bins - centre) / width) ** 2) + 1e-3
    return share / share.sum()


def crowd(seed, twins=0, hidden=0):
    """Accounts with a source each, then a pool of one source, then people of whom each has a twin beside the group.

    Returns behaviour and places; the places are the accounts' true sources, with some noise.
    """
    rng = np.random.default_rng(seed)
    spots = rng.uniform(4, 20, (4 * PEOPLE, 2))
    spots = spots[np.hypot(*(spots - (11.0, 15.0)).T) > 1.5][:PEOPLE]
    sources = [(x, y, rng.dirichlet(np.ones(N_CAPABILITIES))) for x, y in spots]
    pool = (11.0, 15.0, np.eye(N_CAPABILITIES)[0] * 0.9 + 0.1 / N_CAPABILITIES)
    near = [(11.4, 14.6, rng.dirichlet(np.ones(N_CAPABILITIES))) for _ in range(twins)]
    all_of = sources + [pool] * (POOL + hidden) + [each for each in near for _ in range(2)]
    n = len(all_of)
    counts = np.zeros((n, max(COUNT.values()) + 1), np.int32)
    counts[:, COUNT["requests"]] = REQUESTS
    sent, got = (
        np.stack([rng.multinomial(REQUESTS, peaked(s[side], 1.5)) for s in all_of]).astype(np.int32) for side in (0, 1)
    )
    aims = np.stack([rng.multinomial(REQUESTS, s[2]) for s in all_of]).astype(np.float32) * 255
    place = np.array([[s[0], s[1], *(3 * s[2])] for s in all_of]) + rng.normal(0, 0.05, (n, 2 + N_CAPABILITIES))
    return Behaviour(counts, (sent, got), aims, np.full(n, 5.0)), place


@pytest.mark.parametrize("seed", range(4))
def test_a_pool_stays_as_it_is(seed):
    accounts, place = crowd(seed)
    group = np.arange(PEOPLE, PEOPLE + POOL)
    assert settled(counted(accounts), places(place), group).tolist() == group.tolist()


@pytest.mark.parametrize("seed", range(4))
def test_who_has_a_likelier_source_beside_the_group_is_let_go(seed):
    accounts, place = crowd(seed, twins=3)
    pool, bystanders = np.arange(PEOPLE, PEOPLE + POOL), PEOPLE + POOL + np.array([0, 2, 4])
    assert settled(counted(accounts), places(place), np.concatenate([pool, bystanders])).tolist() == pool.tolist()


@pytest.mark.parametrize("seed", range(4))
def test_who_draws_from_the_source_is_taken_in(seed):
    accounts, place = crowd(seed, hidden=4)
    group = np.arange(PEOPLE, PEOPLE + POOL)
    assert settled(counted(accounts), places(place), group).tolist() == [
        *group,
        *range(PEOPLE + POOL, PEOPLE + POOL + 4),
    ]


def test_odds_of_outsiders_are_those_they_would_have_as_members():
    accounts, _ = crowd(1, twins=2)
    of, group = counted(accounts), np.arange(PEOPLE, PEOPLE + POOL)
    others = np.arange(PEOPLE + POOL, PEOPLE + POOL + 4)

    def both(members, beside_them):
        return odds(of, members, beside_them, of_others(of, members, beside_them))

    outside = both(group, others)[1]
    joined = [both(np.append(group, o), others[others != o])[0][-1] for o in others]
    np.testing.assert_allclose(outside, joined, rtol=0.2)  # a group of one more strays a little more
    assert (outside < ODDS).all()


def test_what_was_seen_before_counts_as_the_formula_says():
    draw = np.random.default_rng(3)
    counts = draw.negative_binomial(1, 0.02, (11, 5)).astype(np.int32)
    counts[7:] = draw.negative_binomial(1, 0.001, (4, 5))
    counts[0, 0], counts[7, 0] = 9_000, 9_000
    prior = np.array([[0.5, 2.0, 0.1, 1.0, 4.4]])
    plain = np.stack([log_marginal(counts, prior + given) for given in counts[7:]], axis=1)
    odds_of = of_others(tabulated([counts], [prior]), np.arange(7), np.arange(7, 11))
    np.testing.assert_allclose(odds_of, plain - log_marginal(counts, prior)[:, None], rtol=1e-9)
