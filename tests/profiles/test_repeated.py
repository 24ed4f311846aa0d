"""What comes again in an account is kept, however much comes once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.profiles.hitters import heavy, repeated


def table(update, sights, capacity=32):
    keys, counts = np.zeros(capacity, np.uint32), np.zeros(capacity, np.uint16)
    for key in sights:
        update(keys, counts, np.uint32(key))
    return {int(k): int(c) for k, c in zip(keys, counts, strict=True) if c}


def relayed(seed, requests=120, share=0.1):
    """Pieces of requests of a relay: each has three, of which all are new but for the wrapper's."""
    rng = np.random.default_rng(seed)
    pieces = rng.integers(1000, 2**32, (requests, 3))
    pieces[rng.random(requests) < share] = (1, 2, 3)
    return pieces.ravel().tolist()


@given(st.lists(st.integers(1, 40), max_size=400), st.integers(2, 16))
def test_no_count_is_too_high_and_no_key_stands_twice(sights, capacity):
    keys, counts = np.zeros(capacity, np.uint32), np.zeros(capacity, np.uint16)
    for key in sights:
        repeated(keys, counts, np.uint32(key))
    used = keys[counts > 0].tolist()
    assert len(used) == len(set(used))
    assert all(c <= sights.count(int(k)) for k, c in zip(keys, counts, strict=True) if c)


@given(st.lists(st.integers(1, 12), max_size=200))
def test_with_room_for_all_it_counts(sights):
    assert table(repeated, sights) == {k: sights.count(k) for k in set(sights)}


def test_a_wrapper_in_a_tenth_of_a_relays_requests_is_found():
    found, before = [], []
    for seed in range(40):
        sights = relayed(seed)
        true = sights.count(1)
        found.append(table(repeated, sights).get(1, 0) / true)
        before.append(table(heavy, sights).get(1, 0) / true)
    assert np.mean(found) > 0.85
    assert np.mean(before) < 0.4  # what a table of Misra and Gries is left with
