"""Samples of reasoning artefacts: what is kept of them, what two stores make of them, and whom they tie."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import START, random_exchanges, store_of

from detector.coordination.keys import REASONING, extract
from detector.coordination.pace import paces
from detector.profiles.artefacts import artefacts
from detector.profiles.facts import AccountBook
from detector.profiles.layout import ISSUED_KEYS, PANE_US, PRESENTED_KEYS
from detector.profiles.merge import merge

LAWS = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**32 - 1)
ONE_PANE = 0.5  # days
KEY = 5


def samples(store):
    """By account id, since slots differ."""
    accounts = store.accounts
    return {name: (accounts.issued[s].tolist(), accounts.presented[s].tolist()) for s, name in enumerate(store.ids)}


@LAWS
@given(seeds, st.randoms(use_true_random=False))
def test_within_a_pane_any_split_is_exact_in_either_order(seed, random):
    raw = random_exchanges(seed, 240, days=ONE_PANE)
    raw["ts"] += (-int(raw["ts"][0])) % PANE_US  # all of it in one pane
    mask = np.array([random.random() < 0.5 for _ in range(240)])
    a, b = np.flatnonzero(mask), np.flatnonzero(~mask)
    whole = samples(store_of(raw))
    assert samples(merge(store_of(raw, a), store_of(raw, b))) == whole
    assert samples(merge(store_of(raw, b), store_of(raw, a))) == whole


@LAWS
@given(seeds, st.floats(ONE_PANE, 20.0))
def test_merging_is_associative_and_once_more_changes_nothing(seed, days):
    raw = random_exchanges(seed, 240, days=days)
    part = [np.arange(k, 240, 3) for k in range(3)]
    left = merge(merge(store_of(raw, part[0]), store_of(raw, part[1])), store_of(raw, part[2]))
    right = merge(store_of(raw, part[0]), merge(store_of(raw, part[1]), store_of(raw, part[2])))
    assert samples(left) == samples(right)
    assert samples(merge(left, store_of(raw, part[2]))) == samples(right)


@LAWS
@given(seeds, st.integers(0, 300), st.integers(0, 300))
def test_cutting_a_batch_changes_nothing_over_panes_either(seed, a, b):
    raw = random_exchanges(seed, 300, days=20.0)
    assert samples(store_of(raw)) == samples(store_of(raw, cuts=(a, b)))


def test_the_smallest_are_kept_and_what_is_not_seen_again_is_forgotten():
    raw = random_exchanges(1, 60, accounts=1, days=ONE_PANE)
    raw["ts"] += (-int(raw["ts"][0])) % PANE_US
    issued, presented = samples(store_of(raw))["acct_0"]
    assert issued == sorted(set(raw["artefacts"][:, 0].tolist()))[:ISSUED_KEYS]
    assert presented == sorted(set(raw["artefacts"][:, 1:].ravel().tolist()))[:PRESENTED_KEYS]
    later = 1 << 55
    for pane in range(1, PRESENTED_KEYS + 1):
        raw["ts"] = np.append(raw["ts"], START + PANE_US * (pane + 2))
        for name in set(raw) - {"ts", "artefacts"}:
            raw[name] = np.concatenate([raw[name], raw[name][-1:]])
        raw["artefacts"] = np.concatenate([raw["artefacts"], np.full((1, 3), later + pane, np.uint64)])
    kept = samples(store_of(raw))["acct_0"]
    assert not set(kept[1]) & set(presented)
    assert later + PRESENTED_KEYS in kept[1]


def edges(issued, presented):
    """Accounts and the artefacts that they are tied by; `issued` and `presented` are lists by account."""
    raw = random_exchanges(3, len(issued), accounts=1, days=ONE_PANE)
    raw["account"] = np.arange(len(issued))
    store = store_of(raw)
    for kept, given_ in ((store.accounts.issued, issued), (store.accounts.presented, presented)):
        kept[:] = 0
        for s, keys in enumerate(given_):
            kept[s, : len(keys)] = keys
    slots = np.arange(len(store), dtype=np.int32)
    now = int(raw["ts"][-1])
    found = extract(
        store.accounts, AccountBook(None, 7).as_of(store.accounts.ident, now), paces(store, slots, now), slots
    )
    mine = found.kind == REASONING
    assert (found.key[mine] >> np.uint64(56) == REASONING + 1).all()
    short = (found.key[mine] & np.uint64((1 << 56) - 1)).tolist()
    return sorted(zip(found.slot[mine].tolist(), short, strict=True))


def test_two_who_present_the_same_are_tied_and_its_owner_is_not():
    # The first one's client sends its own back; two others present it.
    assert edges([[3, 9], [], []], [[3, 9], [3], [3]]) == [(1, 3), (2, 3)]


def test_one_that_presents_what_the_other_was_issued_is_tied_to_it_where_both_replay():
    assert edges([[3, 9], [4, 8]], [[4], [3]]) == [(0, 3), (0, 4), (0, 9), (1, 3), (1, 4), (1, 8)]


def test_what_an_account_may_have_been_issued_long_ago_is_no_proof_that_it_replays():
    # Beyond the sample of what it was issued: 50 may be its own.
    assert edges([[3, 9]], [[50]]) == [(0, 50)]


def test_an_account_holds_no_artefact_twice():
    for issued, presented in (([3, 9], [3, 4, 9]), ([3], [3, 4]), ([], [3, 4]), ([3, 9], [])):
        keys = edges([issued], [presented])
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("refs", [[], [None, None], [[], None], [[""], [None]]])
def test_a_log_without_artefacts_has_no_columns_of_them(refs):
    found = artefacts(pl.Series(refs, dtype=pl.List(pl.String)), KEY)
    assert found.keys.size == found.offsets.size == 0


def test_artefacts_lie_by_exchange():
    found = artefacts(pl.Series([["a", "b"], None, ["", "c"], [], ["a"]], dtype=pl.List(pl.String)), KEY)
    assert found.offsets.tolist() == [0, 2, 2, 3, 3, 4]
    assert found.keys[0] == found.keys[3]
    assert len(set(found.keys.tolist())) == 3
    assert (found.keys > 0).all()
    assert (found.keys < 1 << 56).all()
    assert artefacts(pl.Series([["a"]]), KEY + 1).keys[0] != found.keys[0]
