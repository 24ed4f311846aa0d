"""Bands: two pools of one wrapper are set apart by what part of their requests carries it, one pool is not."""

from itertools import pairwise

import numpy as np
import pytest

from detector.coordination.bands import FAINT, LOUD, bands, text_of
from detector.coordination.graph import Links
from detector.coordination.keys import NETWORK, TEMPLATE
from tests.coordination.links import starts_of

WRAPPER = (TEMPLATE + 1 << 56) | 77


def held(*shares: np.ndarray, kind: int = TEMPLATE) -> tuple[list[np.ndarray], Links]:
    """Communities one after the other, each of accounts with these shares of the one key."""
    share = np.concatenate(shares)
    ends = np.cumsum([0, *(s.size for s in shares)])
    groups = [np.arange(a, b, dtype=np.int32) for a, b in pairwise(ends)]
    slot, n = np.arange(share.size, dtype=np.int32), share.size
    return groups, Links(
        slot=slot,
        key=np.zeros(n, np.int64),
        kind=np.full(n, kind, np.uint8),
        weight=5.0 * share,
        holders=np.array([n], np.int32),
        hashed=np.array([(kind + 1 << 56) | 77], np.uint64),
        starts=starts_of(slot),
    )


def sent(rng: np.random.Generator, share: float, accounts: int, requests: int = 40) -> np.ndarray:
    """Shares of accounts that send a wrapper in a share of what they do."""
    return np.maximum(rng.binomial(requests, share, accounts), 2) / requests


@pytest.mark.parametrize("seed", range(5))
def test_two_pools_of_one_wrapper_are_two_bands(seed):
    rng = np.random.default_rng(seed)
    groups, links = held(np.concatenate([sent(rng, 0.2, 60), np.ones(180)]))
    (faint, lower), (loud, upper) = bands(groups, links)
    assert (faint, loud) == (WRAPPER | FAINT, WRAPPER | LOUD)
    assert lower.tolist() == list(range(60))
    assert upper.tolist() == list(range(60, 240))
    assert text_of(faint) == text_of(loud) == text_of(WRAPPER) == WRAPPER


@pytest.mark.parametrize("share", [0.1, 0.3, 0.7, 1.0])
def test_one_pool_is_one_band(share):
    rng = np.random.default_rng(11)
    apart = [bands(*held(sent(rng, share, n))) for n in (8, 30, 200) for _ in range(20)]
    assert sum(map(bool, apart)) <= 0.1 * len(apart)


def test_people_of_all_shares_are_one_band():
    rng = np.random.default_rng(12)
    for low in (0.06, 0.2):
        assert not bands(*held(np.exp(rng.uniform(np.log(low), 0.0, 300))))


def test_each_community_has_its_own():
    rng = np.random.default_rng(13)
    two = np.concatenate([sent(rng, 0.1, 10), np.ones(10)])
    groups, links = held(np.ones(5), two, np.ones(40), two)
    found = bands(groups, links)
    assert [members.tolist() for _, members in found] == [list(range(a, a + 10)) for a in (5, 15, 65, 75)]


def test_fewer_than_a_core_are_no_band():
    assert not bands(*held(np.r_[[0.1] * 3, np.ones(20)]))
    assert bands(*held(np.r_[[0.1] * 4, np.ones(20)]))


def test_what_is_no_text_has_no_bands():
    assert not bands(*held(np.r_[np.full(20, 0.1), np.ones(20)], kind=NETWORK))
    assert bands([], held(np.ones(3))[1]) == []
