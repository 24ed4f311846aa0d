"""Accounts that work through a list by one clock share its pace, and nobody else does."""

import numpy as np
import pytest

from detector.coordination.pace import LEAST_GAPS, paces
from tests.profiles.worlds import START, random_exchanges, store_of

SECOND = 1_000_000


def working(gaps, jitter, seed=3, n=60, repeats=False):
    """A store in which account k sends n requests with gaps of `gaps[k]` seconds; and its slots in that order, and its end."""
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(len(gaps)), n)
    gap = np.repeat(np.array(gaps, float), n) * np.maximum(1.0 + jitter * rng.standard_normal(account.size), 0.01)
    ts = START + (np.concatenate([np.cumsum(part) for part in np.split(gap, len(gaps))]) * SECOND).astype(np.int64)
    order = np.argsort(ts, kind="stable")
    raw = random_exchanges(seed, account.size, accounts=1)
    raw["account"], raw["ts"], raw["flags"] = account[order], ts[order], np.zeros(account.size, np.uint32)
    raw["hashes"] = rng.integers(1, 2**63, (account.size, 10), dtype=np.uint64)
    if repeats:
        raw["hashes"][:] = 7
    store = store_of(raw)
    slots = np.array([store.ids.index(f"acct_{k}") for k in range(len(gaps))], np.int32)
    return paces(store, slots, int(ts.max()) + 1)


def share_one(keys, a, b):
    return bool(set(keys[a][keys[a] > 0].tolist()) & set(keys[b][keys[b] > 0].tolist()))


@pytest.mark.parametrize("gap", [0.5, 3.0, 60.0, 611.0, 7200.0])
def test_one_pace_is_shared_wherever_it_lies(gap):
    keys = working([gap, gap, gap * 1.01, gap * 1.4], 0.02)
    assert share_one(keys, 0, 1)
    assert share_one(keys, 0, 2)
    assert not share_one(keys, 0, 3)
    assert (keys > 0).all()


def test_people_keep_no_pace():
    keys = working([60.0] * 5, 0.9)
    assert not keys.any()


def test_a_health_check_repeats_itself_and_shares_nothing():
    assert not working([60.0] * 3, 0.01, repeats=True).any()


def test_a_few_requests_are_no_pace():
    assert not working([60.0] * 3, 0.0, n=LEAST_GAPS).any()
    assert working([60.0] * 3, 0.0, n=LEAST_GAPS + 1).any()
