"""Communities carried on: whole communities are weighed as the graph says, and moving never makes the partition worse."""

import numpy as np
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from detector.coordination.moving import _condense, carried_on, numbered


def graph_of(seed: int, n: int, edges: int) -> sp.csr_matrix:
    rng = np.random.default_rng(seed)
    one, other = rng.integers(0, n, edges), rng.integers(0, n, edges)
    some = one != other
    half = sp.coo_matrix((rng.uniform(0.5, 3.0, some.sum()), (one[some], other[some])), shape=(n, n)).tocsr()
    out = (half + half.T).tocsr()
    out.sort_indices()
    return out


def modularity(graph: sp.csr_matrix, label: np.ndarray) -> float:
    whole, strength = graph.data.sum(), np.asarray(graph.sum(axis=1)).ravel()
    _, number = np.unique(label, return_inverse=True)
    inside = sum(graph[i, j] for i, j in zip(*graph.nonzero(), strict=True) if number[i] == number[j])
    held = np.bincount(number, strength)
    return float(inside / whole - ((held / whole) ** 2).sum())


@given(st.integers(0, 10_000), st.integers(4, 40), st.integers(3, 120))
def test_the_graph_of_communities_has_the_weights_between_them(seed: int, n: int, edges: int) -> None:
    graph, rng = graph_of(seed, n, edges), np.random.default_rng(seed + 1)
    number = numbered(rng.integers(0, max(n // 3, 1), n))[1]
    parts = int(number.max()) + 1
    bounds = np.concatenate([[0], np.cumsum(np.bincount(number))])
    out = np.zeros(parts + 1, np.int32), np.empty(graph.nnz, np.int32), np.empty(graph.nnz)
    order, tie = np.argsort(number, kind="stable"), np.zeros(parts)
    m = _condense(graph.indptr, graph.indices, graph.data, order, number.astype(np.int32), bounds, tie, out)
    found = sp.csr_matrix((out[2][:m], out[1][:m], out[0]), shape=(parts, parts))
    member = sp.csr_matrix((np.ones(n), (np.arange(n), number)), shape=(n, parts))
    assert found.has_sorted_indices
    assert np.allclose(found.toarray(), (member.T @ graph @ member).toarray())
    assert not tie.any()


@given(st.integers(0, 10_000), st.integers(4, 40), st.integers(3, 120))
def test_moving_does_not_make_a_partition_worse(seed: int, n: int, edges: int) -> None:
    graph, rng = graph_of(seed, n, edges), np.random.default_rng(seed + 2)
    if graph.nnz == 0:
        return
    before = rng.integers(0, n, n, np.int32)
    after = carried_on(graph, np.arange(n, dtype=np.int32), float(graph.data.sum()), before)
    assert modularity(graph, after) >= modularity(graph, before) - 1e-9


def test_what_is_not_active_stays() -> None:
    two = sp.block_diag([graph_of(3, 12, 40), graph_of(4, 12, 40)]).tocsr()
    before = np.arange(24, dtype=np.int32)
    after = carried_on(two, np.arange(12, dtype=np.int32), float(two.data.sum()), before)
    assert np.array_equal(after[12:], before[12:])
    assert np.unique(after[:12]).size < 12
