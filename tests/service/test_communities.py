"""Communities carried on from look to look, against a whole run each time."""

import numpy as np
import pytest

from detector.coordination.graph import Communities, Links
from detector.coordination.keys import SYSTEM, TEMPLATE
from detector.profiles.layout import HOUR_US, I32
from tests.coordination.links import starts_of

_POOLS, _SIZE = 12, 20


def _links(members: list[I32]) -> Links:
    """Pools that hold two keys each; all accounts hold a light one."""
    slot = np.concatenate([np.repeat(m, 3) for m in members])
    own = np.concatenate([np.tile([2 * p + 1, 2 * p + 2, 0], m.size) for p, m in enumerate(members)])
    order = np.argsort(slot, kind="stable")
    slot, key = slot[order].astype(np.int32), own[order].astype(np.int64)
    kind = np.where(key == 0, SYSTEM, TEMPLATE).astype(np.uint8)
    weight = np.where(key == 0, 0.2, 4.0)
    keys = 2 * len(members) + 1
    hashed = (np.arange(keys, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    return Links(slot, key, kind, weight, np.bincount(key, minlength=keys).astype(np.int32), hashed, starts_of(slot))


def _pools(size: int) -> list[I32]:
    return [np.arange(p, p + _POOLS * size, _POOLS, dtype=np.int32) for p in range(_POOLS)]


def _as_sets(groups: list[I32]) -> set[frozenset[int]]:
    return {frozenset(g.tolist()) for g in groups}


@pytest.mark.parametrize("newcomers", [1, 4])
def test_newcomers_find_the_pool_that_a_whole_run_puts_them_in(newcomers):
    kept = Communities()
    kept.find(_links(_pools(_SIZE)), HOUR_US)
    grown = _pools(_SIZE)
    for i in range(newcomers):
        grown[i] = np.append(grown[i], _POOLS * _SIZE + i).astype(np.int32)
    found = kept.find(_links(grown), HOUR_US + 1)
    assert _as_sets(found) == _as_sets(Communities().find(_links(grown), HOUR_US + 1))
    assert _as_sets(found) == _as_sets(grown)


def test_a_new_pool_is_one_community_at_once():
    kept = Communities()
    kept.find(_links(_pools(_SIZE)), HOUR_US)
    more = [*_pools(_SIZE), np.arange(_POOLS * _SIZE, _POOLS * _SIZE + 6, dtype=np.int32)]
    assert _as_sets(kept.find(_links(more), HOUR_US + 1)) == _as_sets(more)


def test_accounts_that_have_gone_leave_the_others_together():
    kept = Communities()
    kept.find(_links(_pools(_SIZE)), HOUR_US)
    fewer = [m[: _SIZE // 2] if p == 0 else m for p, m in enumerate(_pools(_SIZE))]
    assert _as_sets(kept.find(_links(fewer), HOUR_US + 1)) == _as_sets(fewer)


def test_nothing_new_gives_the_same_communities_in_the_same_order():
    kept, links = Communities(), _links(_pools(_SIZE))
    first, second = kept.find(links, HOUR_US), kept.find(links, HOUR_US + 1)
    assert [g.tolist() for g in first] == [g.tolist() for g in second]
