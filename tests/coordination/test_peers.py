"""How alike a member is counts by how few accounts of its size are as alike, whatever odds of likeness say."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.coordination.behaviour import Behaviour
from detector.coordination.membership import BELONGS, lengths
from detector.coordination.peers import _KEPT, Peers, drawn, rarity
from detector.profiles.layout import COUNT

BINS = 24


def accounts(requests, seed=1):
    """Behaviour of accounts with so many requests."""
    rng = np.random.default_rng(seed)
    requests = np.asarray(requests)
    counts = np.zeros((requests.size, len(COUNT)), np.int32)
    counts[:, COUNT["requests"]] = requests
    histograms = tuple(rng.multinomial(requests, np.full(BINS, 1 / BINS)).astype(np.int32) for _ in range(2))
    capability = np.zeros((requests.size, 1), np.float32)
    return Behaviour(counts, histograms, capability, np.ones(requests.size))


def hashes(n, seed=2):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def test_the_same_accounts_are_drawn_in_whichever_order_they_came():
    n = 6000
    did, ident = accounts(np.random.default_rng(3).integers(1, 400, n)), hashes(n)
    slots = np.arange(n, dtype=np.int32)
    order = np.random.default_rng(4).permutation(n)
    one, other = drawn(slots, ident, did), drawn(slots[order], ident[order], did.of(order))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_where_there_are_few_of_a_size_all_of_them_are_drawn():
    requests = np.concatenate([np.full(40 * _KEPT, 2), np.full(30, 900)])
    some = drawn(np.arange(requests.size, dtype=np.int32), hashes(requests.size), accounts(requests))
    assert (some.requests == 900).sum() == 30
    assert 0.8 * _KEPT < (some.requests == 2).sum() < 1.2 * _KEPT
    assert (np.diff(some.requests) >= 0).all()


def test_nobody_is_rare_among_none():
    nothing = np.zeros(0)
    np.testing.assert_array_equal(rarity(np.array([50.0]), np.array([9.0]), nothing, nothing), [0.0])


def test_an_account_like_the_others_is_seldom_rare():
    rng = np.random.default_rng(5)
    one = np.full(1, 9.0)
    nats = np.array([rarity(rng.normal(size=1), one, rng.normal(size=60), np.full(60, 9.0))[0] for _ in range(4000)])
    for chance in (0.5, 0.1, 0.02):
        assert (nats >= -np.log(chance)).mean() < 1.2 * chance


def test_compared_is_with_those_of_the_same_size():
    size = np.concatenate([np.full(_KEPT, 10.0), np.full(_KEPT, 100.0)])
    others = np.where(size == 10.0, 0.0, 20.0)
    small, large = rarity(np.array([10.0, 10.0]), np.array([10.0, 100.0]), others, size)
    assert small > 5.0
    assert large == 0.0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=1, max_size=60), st.integers(0, 700))
def test_the_more_alike_the_rarer(nats, n):
    rng = np.random.default_rng(n)
    others, size = rng.normal(scale=20, size=n), np.sort(rng.integers(1, 50, n).astype(float))
    nats = np.sort(np.array(nats))
    rare = rarity(nats, np.full(nats.size, 20.0), others, size)
    assert (np.diff(rare) >= 0).all()
    assert ((rare >= 0) & (rare <= np.log(1 + _KEPT))).all()


def crowd(alike):
    """Forty accounts that ask as each other do, among nine hundred; of those, `alike` do so as well."""
    rng = np.random.default_rng(6)
    narrow, wide = np.full(BINS, 1e-9), np.full(BINS, 1 / BINS)
    narrow[3:6] = 1 / 3
    narrow /= narrow.sum()
    like = rng.random(900) < alike
    sent = np.stack([rng.multinomial(30, narrow if a else wide) for a in like]).astype(np.int32)
    own = np.stack([rng.multinomial(30, narrow) for _ in range(40)]).astype(np.int32)
    counts = np.zeros((40, len(COUNT)), np.int32)
    counts[:, COUNT["requests"]] = 30
    everybody = (sent.sum(axis=0) + own.sum(axis=0)).astype(float)
    return SimpleNamespace(
        slots=np.arange(40, dtype=np.int32),
        offsets=np.array([0, 40]),
        cluster=np.zeros(40, np.int64),
        alike=np.array([False]),
        level=np.zeros(40),
        each=SimpleNamespace(lengths_in=own, lengths_out=own, counts=counts),
        joined=lambda each: each.sum(axis=0, dtype=np.int64)[None, :],
        population=SimpleNamespace(
            lengths_in=everybody,
            lengths_out=everybody,
            computed={},
            peers=Peers(np.arange(40, 940, dtype=np.int32), np.full(900, 30.0), sent, sent),
        ),
    )


@pytest.mark.parametrize(("alike", "least", "most"), [(0.0, 5.9, 6.5), (0.1, 1.0, 4.0), (0.5, 0.0, 1.6)])
def test_likeness_is_worth_what_it_is_rare(alike, least, most):
    nats = lengths(crowd(alike), np.zeros(40))
    assert least <= np.median(nats) <= most


def test_members_are_not_among_those_that_they_are_compared_with():
    view = crowd(0.0)
    peers = view.population.peers
    joined = Peers(
        np.concatenate([view.slots, peers.slots]),
        np.full(940, 30.0),
        np.concatenate([view.each.lengths_in, peers.sent]),
        np.concatenate([view.each.lengths_in, peers.got]),
    )
    view.population.peers = joined
    tie = np.zeros(40)
    np.testing.assert_allclose(lengths(view, tie), lengths(crowd(0.0), tie))


def test_others_are_asked_only_where_they_decide_who_belongs():
    view, tie = crowd(0.5), np.zeros(40)
    tie[20:] = BELONGS / 2
    nats = lengths(view, tie)
    assert (nats[:20] < 3.0).all()
    assert (nats[20:] > 6.5).all()
    np.testing.assert_array_equal(2 * tie + nats >= BELONGS, np.arange(40) >= 20)
