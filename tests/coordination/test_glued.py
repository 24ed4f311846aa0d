"""The graph of links, the edges of accounts and medians, against their definitions."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components

from detector.coordination.glued import glued
from detector.coordination.graph import Links
from detector.coordination.seen import medians
from tests.coordination.links import starts_of

GLUE, TEXTS = np.array([True, False, True]), np.array([True, False, False])


def _edges(seed: int):
    rng = np.random.default_rng(seed)
    pairs = np.unique(rng.integers(0, 60, 150) * 100 + rng.integers(0, 80, 150))
    slot, key = (pairs // 100).astype(np.int32), (pairs % 100).astype(np.int64)
    kind = rng.integers(0, 3, 100).astype(np.uint8)[key]
    return slot, key, kind, rng.random(pairs.size) + 0.1, rng.integers(1, 1 << 40, 100).astype(np.uint64)


@pytest.mark.parametrize("seed", range(5))
def test_a_graph_has_the_edges_that_glue(seed):
    slot, key, kind, weight, hashed = _edges(seed)
    found = glued(slot, key, kind, weight, hashed, GLUE, TEXTS)
    assert found is not None
    here = GLUE[kind]
    slots, keys = np.unique(slot[here]), np.unique(key[here])
    assert found.slots.tolist() == slots.tolist()
    assert found.graph.shape[0] == slots.size + keys.size
    dense = found.graph.toarray()
    assert (dense == dense.T).all()
    texts = np.bincount(slot[here & TEXTS[kind]], minlength=60)
    for s, k, of, w in zip(slot[here], key[here], kind[here], weight[here], strict=True):
        entry = dense[np.searchsorted(slots, s), slots.size + np.searchsorted(keys, k)]
        assert entry == pytest.approx(w / np.sqrt(texts[s]) if TEXTS[of] else w)
    parts, component = connected_components(found.graph, directed=False)
    assert parts == found.signs.size
    assert len(set(zip(component.tolist(), found.component.tolist(), strict=True))) == parts


def test_a_component_keeps_its_sign_while_it_keeps_its_edges():
    slot, key, kind, weight, hashed = _edges(7)
    whole = glued(slot, key, kind, weight, hashed, GLUE, TEXTS)
    again = glued(slot, key, kind, 2.0 * weight, hashed, GLUE, TEXTS)
    fewer = glued(slot[:-40], key[:-40], kind[:-40], weight[:-40], hashed, GLUE, TEXTS)
    assert whole is not None and again is not None and fewer is not None  # noqa: PT018 - for the type checker
    assert set(whole.signs.tolist()) == set(again.signs.tolist())
    assert set(whole.signs.tolist()) != set(fewer.signs.tolist())


def test_without_glue_there_is_no_graph():
    slot, key, kind, weight, hashed = _edges(1)
    assert glued(slot, key, np.ones_like(kind), weight, hashed, GLUE, TEXTS) is None
    assert glued(slot[:0], key[:0], kind[:0], weight[:0], hashed, GLUE, TEXTS) is None


@pytest.mark.parametrize("seed", range(5))
def test_edges_of_accounts_in_any_order(seed):
    slot, key, kind, weight, hashed = _edges(seed)
    links = Links(slot, key, kind, weight, np.bincount(key, minlength=100).astype(np.int32), hashed, starts_of(slot))
    slots = np.random.default_rng(seed).integers(0, 70, 40).astype(np.int32)
    place, edge = links.of(slots)
    wanted = [(i, e) for i, s in enumerate(slots) for e in np.flatnonzero(slot == s)]
    assert list(zip(place.tolist(), edge.tolist(), strict=True)) == wanted


def test_medians_are_those_of_numpy():
    values, offsets = np.random.default_rng(3).random(50), np.array([0, 1, 3, 10, 50])
    expected = [np.median(values[a:b]) for a, b in pairwise(offsets)]
    assert medians(values, offsets).tolist() == expected
