"""The profile is a commutative monoid: the laws that replay, streaming and cluster pooling stand on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import START, columns_of, random_exchanges, snapshot, store_of

from detector.profiles.hitters import heavy
from detector.profiles.kernels import bottom
from detector.profiles.layout import COUNT, DECAY_HOURS, PANE_US, PANES
from detector.profiles.merge import merge
from detector.profiles.sketches import hyperloglog, linear_count

seeds = st.integers(0, 2**32 - 1)
LAWS = settings(max_examples=25, deadline=None)


def decayed_at(store, now):
    out = {}
    for s, name in enumerate(store.ids):
        out[name] = [
            store.accounts.decayed[s, h :: len(DECAY_HOURS)]
            * 2.0 ** (-(now - int(store.landmarks[h])) / (hours * 3.6e9))
            for h, hours in enumerate(DECAY_HOURS)
        ]
    return out


@LAWS
@given(seeds, st.integers(0, 300), st.integers(0, 300))
def test_cutting_a_batch_changes_nothing(seed, a, b):
    raw = random_exchanges(seed, 300)
    whole, cut = store_of(raw), store_of(raw, cuts=(a, b))
    assert snapshot(whole) == snapshot(cut)
    np.testing.assert_array_equal(whole.accounts.template_key[:7], cut.accounts.template_key[:7])


@LAWS
@given(seeds)
def test_a_split_by_account_is_exact(seed):
    raw = random_exchanges(seed, 300)
    even = raw["account"] % 2 == 0
    parts = merge(store_of(raw, np.flatnonzero(even)), store_of(raw, np.flatnonzero(~even)))
    assert snapshot(parts) == snapshot(store_of(raw))


@LAWS
@given(seeds, st.integers(0, 300))
def test_a_split_by_time_is_exact(seed, cut):
    raw = random_exchanges(seed, 300)
    rows = np.arange(300)
    parts = merge(store_of(raw, rows[:cut]), store_of(raw, rows[cut:]))
    whole = store_of(raw)
    a, b = snapshot(parts), snapshot(whole)
    for name in b:
        for field in b[name]:
            # A gap equal to the one before is only seen inside a part, and heavy hitters halve at a pane inside a part.
            if field == "texts":
                continue
            if field.endswith(":counts"):
                assert a[name][field][: COUNT["fixed_gaps"]] == b[name][field][: COUNT["fixed_gaps"]]
            else:
                assert a[name][field] == b[name][field], field


@LAWS
@given(seeds, st.randoms(use_true_random=False))
def test_any_split_is_exact_but_for_gaps_and_minutes(seed, random):
    raw = random_exchanges(seed, 300)
    mask = np.array([random.random() < 0.5 for _ in range(300)])
    ab = merge(store_of(raw, np.flatnonzero(mask)), store_of(raw, np.flatnonzero(~mask)))
    ba = merge(store_of(raw, np.flatnonzero(~mask)), store_of(raw, np.flatnonzero(mask)))
    whole = snapshot(store_of(raw), ordered=False)
    for parts in (snapshot(ab, ordered=False), snapshot(ba, ordered=False)):
        for name, entry in whole.items():
            assert {k: v for k, v in parts[name].items() if k != "texts"} == {
                k: v for k, v in entry.items() if k != "texts"
            }


@LAWS
@given(seeds)
def test_merge_is_associative(seed):
    raw = random_exchanges(seed, 240)
    part = [np.arange(k, 240, 3) for k in range(3)]
    left = merge(merge(store_of(raw, part[0]), store_of(raw, part[1])), store_of(raw, part[2]))
    right = merge(store_of(raw, part[0]), merge(store_of(raw, part[1]), store_of(raw, part[2])))
    assert snapshot(left, ordered=False) == snapshot(right, ordered=False)


@LAWS
@given(seeds, st.floats(1.0, 400.0))
def test_forward_decay_agrees_with_the_plain_formula(seed, days):
    raw = random_exchanges(seed, 200, days=days)
    now = int(raw["ts"][-1]) + 1_000_000
    store = store_of(raw, cuts=tuple(range(0, 200, 17)))
    got = decayed_at(store, now)
    for account in np.unique(raw["account"]):
        mine = raw["account"] == account
        for h, hours in enumerate(DECAY_HOURS):
            weight = 2.0 ** (-(now - raw["ts"][mine]) / (hours * 3.6e9))
            plain = [weight.sum(), (weight * raw["tokens_in"][mine]).sum(), (weight * raw["tokens_out"][mine]).sum()]
            np.testing.assert_allclose(got[f"acct_{account}"][h], plain, rtol=1e-9, atol=1e-60)


@LAWS
@given(seeds)
def test_pooling_members_is_the_sketch_of_their_union(seed):
    raw = random_exchanges(seed, 300)
    now = int(raw["ts"][-1])
    store = store_of(raw)
    slots = np.arange(len(store), dtype=np.int32)
    together = store.pool(slots, np.array([0, len(store)], np.int64), now)
    one = dict(raw)
    one["account"] = np.zeros_like(raw["account"])
    union = store_of(one)
    alone = union.pool(np.zeros(1, np.int32), np.array([0, 1], np.int64), now)
    for field in (
        "tokens",
        "capability",
        "hours",
        "lengths_in",
        "lexical",
        "models",
        "prompts",
        "skeletons",
        "bitmaps",
    ):
        np.testing.assert_array_equal(getattr(together, field), getattr(alone, field))
    np.testing.assert_allclose(together.decayed, alone.decayed, rtol=1e-9)


@LAWS
@given(st.lists(st.integers(1, 30), min_size=1, max_size=400), st.integers(2, 16))
def test_misra_gries_keeps_its_error_bound(sights, capacity):
    keys, counts = np.zeros(capacity, np.uint32), np.zeros(capacity, np.uint16)
    for key in sights:
        heavy(keys, counts, np.uint32(key))
    kept = {int(k): int(c) for k, c in zip(keys, counts, strict=True) if c}
    for key in set(sights):
        true = sights.count(key)
        assert true - len(sights) / (capacity + 1) <= kept.get(key, 0) <= true


@LAWS
@given(st.lists(st.integers(1, 2**32 - 1), max_size=60))
def test_the_bottom_sample_is_the_smallest_distinct_hashes(hashes):
    keys = np.zeros(4, np.uint32)
    for h in hashes:
        bottom(keys, np.uint32(h))
    expected = sorted(set(hashes))[:4]
    assert keys[: len(expected)].tolist() == expected
    assert not keys[len(expected) :].any()


def test_everything_forgets():
    raw = random_exchanges(5, 300, days=40.0)
    now = int(raw["ts"][-1])
    store = store_of(raw)
    store.expire(now)
    pooled = store.pool(np.arange(len(store), dtype=np.int32), np.arange(len(store) + 1, dtype=np.int64), now)
    for s, name in enumerate(store.ids):
        mine = raw["account"] == int(name.removeprefix("acct_"))
        inside = raw["ts"] // PANE_US > now // PANE_US - PANES
        assert pooled.counts[s, COUNT["requests"]] == (mine & inside).sum()


def test_free_rows_are_given_out_again():
    raw = random_exchanges(6, 4000, accounts=3, days=200.0)
    store = store_of(raw, cuts=tuple(range(0, 4000, 100)))
    store.expire(int(raw["ts"][-1]))
    in_use = store.panes.slot.shape[0] - int(store.free[-1])
    assert in_use <= 3 * PANES


@pytest.mark.parametrize("true", [1, 5, 20, 60, 200, 1000])
def test_distinct_counts_are_near(true):
    raw = random_exchanges(7, 1)
    rng = np.random.default_rng(true)
    errors = []
    for _ in range(20):
        n = true
        many = random_exchanges(1, n, accounts=1, days=1.0)
        many["flags"][:] = 0  # of openings, each with a text
        many["hashes"] = rng.integers(1, np.iinfo(np.uint64).max, (n, 10), dtype=np.uint64)
        store = store_of(many)
        pooled = store.pool(np.zeros(1, np.int32), np.array([0, 1], np.int64), int(many["ts"][-1]))
        errors.append(hyperloglog(pooled.prompts)[0] / true - 1)
        if true <= 60:
            assert abs(linear_count(pooled.bitmaps[:, 0])[0] / true - 1) < 0.5
    assert abs(np.mean(errors)) < 0.08
    assert np.std(errors) < 0.25
    assert raw["ts"][0] >= START


def test_late_records_count():
    raw = random_exchanges(8, 100, accounts=2, days=1.0)
    late = np.r_[np.arange(10, 100), np.arange(10)]
    store = store_of(raw, late)
    assert int(store.panes.counts[:, COUNT["requests"]].sum()) == 100


def test_a_thousand_accounts_grow_the_arrays():
    raw = random_exchanges(9, 9000, accounts=5000, days=4.0)
    store = store_of(raw, cuts=tuple(range(0, 9000, 500)))
    assert len(store) == len(np.unique(raw["account"]))
    assert int(store.panes.counts[:, COUNT["requests"]].sum()) == 9000
    assert columns_of(store, raw, np.arange(3)).slot.tolist() == [
        store.ids.index(f"acct_{a}") for a in raw["account"][:3]
    ]
