"""From links to the graph whose communities are looked for: accounts and keys numbered, edges weighed, components told apart."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numba import njit

from detector.coordination.both import both
from detector.coordination.moving import bipartite
from detector.profiles.layout import F64, I32, I64, U8, U64, Flags

_ADDED, _FACTOR, _SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(31)


class Glued(NamedTuple):
    """The graph of accounts and the keys that glue them.

    Attributes:
        slots: i32[accounts], ascending; they are the first nodes, keys follow.
        graph: symmetric, in compressed rows.
        component: i32[nodes].
        signs: u64[components], the same as long as a component has the same edges.
    """

    slots: I32
    graph: sp.csr_matrix
    component: I32
    signs: U64


@njit(cache=True, nogil=True)
def _rows(slot: I32, key: I64, kind: U8, glue: Flags, slots: I32, rows: I64, edge: I64, used: I64) -> tuple[int, int]:
    """Number the accounts of edges that glue, which lie by account, and mark their keys; how many accounts and edges."""
    n, m = 0, 0
    for e in range(slot.shape[0]):
        if glue[kind[e]]:
            if n == 0 or slots[n - 1] != slot[e]:
                slots[n] = slot[e]
                n += 1
            rows[m], edge[m] = n - 1, e
            used[key[e]] = 1
            m += 1
    return n, m


@njit(cache=True, nogil=True)
def _columns(key: I64, edge: I64, used: I64, first: int, columns: I64) -> int:
    """Number the keys, ascending, from `first` on; where the numbers end."""
    for k in range(used.shape[0]):
        if used[k] > 0:
            used[k] = first
            first += 1
    for i in range(edge.shape[0]):
        columns[i] = used[key[edge[i]]]
    return first


@njit(cache=True, nogil=True)
def _damped(rows: I64, edge: I64, kind: U8, weight: F64, texts: Flags, out: F64) -> None:
    """Weights; the texts of one account, whose edges lie together, share that of one."""
    start, m = 0, rows.shape[0]
    while start < m:
        stop, several = start, 0
        while stop < m and rows[stop] == rows[start]:
            several += texts[kind[edge[stop]]]
            stop += 1
        for i in range(start, stop):
            e = edge[i]
            out[i] = weight[e] / np.sqrt(np.float64(max(several, 1))) if texts[kind[e]] else weight[e]
        start = stop


@njit(cache=True)
def _root(above: I32, i: int) -> int:
    while above[i] != i:
        above[i] = above[above[i]]
        i = above[i]
    return i


@njit(cache=True, nogil=True)
def _components(rows: I64, columns: I64, component: I32) -> int:
    """Number the components by their first nodes; how many there are. Every node has an edge."""
    for i in range(component.shape[0]):
        component[i] = i
    for e in range(rows.shape[0]):
        a, b = _root(component, rows[e]), _root(component, columns[e])
        if a < b:
            component[b] = a
        elif b < a:
            component[a] = b
    parts = 0
    for i in range(component.shape[0]):
        # What is above a node lies before it, and has its number already.
        above = component[i]
        if above == i:
            component[i] = parts
            parts += 1
        else:
            component[i] = component[above]
    return parts


@njit(cache=True, nogil=True)
def _signatures(slot: I32, key: I64, hashed: U64, edge: I64, rows: I64, component: I32, out: U64) -> None:
    """One number a component, whatever the order of its edges, which lie by account."""
    row, total = np.int64(-1), np.uint64(0)
    for i in range(edge.shape[0]):
        e = edge[i]
        if rows[i] != row:
            if row >= 0:
                out[component[row]] += total
            row, total = rows[i], np.uint64(0)
        mixed = (np.uint64(slot[e]) + _ADDED) * _FACTOR ^ hashed[key[e]] * _ADDED
        total += (mixed ^ (mixed >> _SHIFT)) * _FACTOR
    if row >= 0:
        out[component[row]] += total


def glued(slot: I32, key: I64, kind: U8, weight: F64, hashed: U64, glue: Flags, texts: Flags) -> Glued | None:
    """The graph of the edges that glue; None where there are none.

    Args:
        slot: i32[edges], ascending.
        key: i64[edges], key numbers.
        kind: u8[edges].
        weight: f64[edges], nats.
        hashed: u64[keys].
        glue: bool[kinds], kinds that make communities.
        texts: bool[kinds], kinds that are texts: those of one account share the weight of the strongest, so that a long wrapper
            does not outweigh a payment token.
    """
    size = slot.size
    slots, rows, edge = np.empty(size, np.int32), np.empty(size, np.int64), np.empty(size, np.int64)
    used = np.zeros(int(key.max(initial=-1)) + 1, np.int64)
    accounts, m = _rows(slot, key, kind, glue, slots, rows, edge, used)
    if m == 0:
        return None
    slots, rows, edge = slots[:accounts].copy(), rows[:m], edge[:m]
    columns = np.empty(m, np.int64)
    n = _columns(key, edge, used, accounts, columns)

    def weighed() -> sp.csr_matrix:
        damped = np.empty(m)
        _damped(rows, edge, kind, weight, texts, damped)
        indptr, indices, data = np.zeros(n + 1, np.int64), np.empty(2 * m, np.int32), np.empty(2 * m)
        bipartite(rows, columns, damped, indptr, indices, data)
        return sp.csr_matrix((data, indices, indptr), shape=(n, n))

    def told_apart() -> tuple[I32, U64]:
        component = np.empty(n, np.int32)
        signs = np.zeros(_components(rows, columns, component), np.uint64)
        _signatures(slot, key, hashed, edge, rows, component, signs)
        return component, signs

    (component, signs), graph = both(told_apart, weighed)
    return Glued(slots, graph, component, signs)
