"""The table of links kept up from look to look says what one made anew says."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.coordination.behaviour import requests_of_each
from detector.coordination.clusters import active_slots
from detector.coordination.table import LinkTable
from detector.profiles.facts import AccountBook
from detector.profiles.layout import DAY_US
from detector.profiles.store import ProfileStore
from tests.profiles.worlds import columns_of, random_exchanges

BOOK = AccountBook(None, 7)


def holders(table):
    """Accounts that hold each key, by the key itself; keys that nobody holds any more are left out."""
    held = np.flatnonzero(table.holders[: table.keys])
    return dict(zip(table.hashed[held].tolist(), table.holders[held].tolist(), strict=True))


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8), st.integers(0, 9))
def test_what_is_kept_up_is_what_a_new_table_says(seed, cuts, silent):
    raw = random_exchanges(seed, 400, accounts=20, days=12.0)
    order = np.argsort(raw["ts"], kind="stable")
    store, kept = ProfileStore(), LinkTable()
    bounds = sorted({0, *(round(c * order.size) for c in cuts), order.size})
    now = 0
    for a, b in pairwise(bounds):
        columns = columns_of(store, raw, order[a:b])
        store.add(columns, 0, b - a)
        now = int(columns.ts[-1]) + 1
        store.expire(now)
        kept.refresh(store, BOOK, np.unique(columns.slot), now)
    now += silent * DAY_US  # who says nothing leaves the window
    store.expire(now)
    active = kept.refresh(store, BOOK, np.zeros(0, np.int32), now)
    alive, new = active_slots(store, now), LinkTable()
    assert active == new.refresh(store, BOOK, alive, now) == alive.size
    assert kept.requests[alive].tolist() == requests_of_each(store, alive, now).tolist()
    assert holders(kept) == holders(new)
