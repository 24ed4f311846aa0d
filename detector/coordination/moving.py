"""Communities carried on: nodes of a graph, then whole communities, move to where they fit best, from a partition that nearly fits.

It is what Louvain and Leiden do at each level (the fast local move of Traag et al. 2019), without what makes Leiden split communities
again: what has come since the last whole run finds its place by it, and a whole run follows when much has come.
"""

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from numba import njit

from detector.coordination.both import both
from detector.profiles.layout import F64, I32, I64

_LEAST_GAIN = 1e-12
_MOST_VISITS = 32  # of a node, on average: far more than it takes


@njit(cache=True, nogil=True)
def bipartite(rows: I64, columns: I64, weight: F64, indptr: I64, indices: I32, data: F64) -> None:
    """Fill a symmetric graph, in compressed rows, from the edges between its first nodes and the others.

    Args:
        rows: i64[m], the node of each edge that is among the first ones; ascending.
        columns: i64[m], the other.
        weight: f64[m].
        indptr: i64[n + 1], zero.
        indices: i32[2 m].
        data: f64[2 m].
    """
    m = rows.shape[0]
    for e in range(m):
        indptr[rows[e] + 1] += 1
        indptr[columns[e] + 1] += 1
    for i in range(1, indptr.shape[0]):
        indptr[i] += indptr[i - 1]
    # Edges lie by their first nodes already.
    indices[:m], data[:m] = columns, weight
    place = indptr[:-1].copy()
    for e in range(m):
        i = columns[e]
        indices[place[i]], data[place[i]] = rows[e], weight[e]
        place[i] += 1


@njit(cache=True)
def _best(
    i: int, indptr: I32, indices: I32, data: F64, label: I32, held: F64, share: float, tie: F64, empty: int
) -> int:
    """Community in which node `i` adds most to the modularity; its own one where none adds more.

    `held` is without the node, `tie` all zero before and after.
    """
    own, elsewhere = label[i], False
    for e in range(indptr[i], indptr[i + 1]):
        if indices[e] != i:
            c = label[indices[e]]
            tie[c] += data[e]
            elsewhere |= c != own
    best, most = own, tie[own] - share * held[own]
    tie[own] = 0.0
    if most < -_LEAST_GAIN:
        best, most = empty, 0.0
    # Most nodes have no neighbour outside.
    for e in range(indptr[i], indptr[i + 1]) if elsewhere else range(0):
        c = label[indices[e]]
        gain = tie[c] - share * held[c]
        if gain > most + _LEAST_GAIN:
            best, most = c, gain
        tie[c] = 0.0
    return best


@njit(cache=True)
def _weights(indptr: I32, data: F64, label: I32, strength: F64, held: F64, size: I32) -> float:
    """Fill the strength of each node, and strength and nodes of each community; the strength of all."""
    for i in range(label.shape[0]):
        for e in range(indptr[i], indptr[i + 1]):
            strength[i] += data[e]
        held[label[i]] += strength[i]
        size[label[i]] += 1
    return strength.sum()


@njit(cache=True, nogil=True)
def move(indptr: I32, indices: I32, data: F64, first: I32, whole: float, label: I32) -> None:
    """Move nodes between communities until none gains by it.

    Args:
        indptr: the graph of n nodes in compressed rows, symmetric; an edge from a node to itself counts as its own.
        indices: of the same.
        data: of the same.
        first: i32[m], the nodes that may move, in the order in which they are looked at; no edge leads from them to others.
        whole: strength of all nodes, also of those of which this is a part.
        label: i32[n], community of each node, 0 ≤ label < n; changed.
    """
    n = label.shape[0]
    strength, held, size = np.zeros(n), np.zeros(n), np.zeros(n, np.int32)
    _weights(indptr, data, label, strength, held, size)
    free = np.flatnonzero(size == 0)
    spare = np.empty(n, np.int32)
    spare[: free.shape[0]] = free
    height = free.shape[0]
    tie, queue, waits = np.zeros(n), np.empty(n, np.int32), np.zeros(n, np.bool_)
    head, count = 0, first.shape[0]
    queue[:count] = first
    waits[first] = True
    for _ in range(_MOST_VISITS * n):
        if count == 0:
            return
        i = queue[head]
        head, count, waits[i] = (head + 1) % n, count - 1, False
        old = label[i]
        held[old] -= strength[i]
        empty = spare[height - 1] if size[old] > 1 and height > 0 else old
        best = _best(i, indptr, indices, data, label, held, strength[i] / whole, tie, empty)
        held[best] += strength[i]
        if best == old:
            continue
        label[i] = best
        height -= int(size[best] == 0)
        size[best] += 1
        size[old] -= 1
        if size[old] == 0:
            spare[height] = old
            height += 1
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            if label[j] != best and not waits[j]:
                queue[(head + count) % n], waits[j] = j, True
                count += 1


def numbered(values: npt.NDArray[np.integer]) -> tuple[I64, I32]:
    """Values in use, ascending, and the place of each value among them: `np.unique` for small numbers, without a sort."""
    used = np.zeros(int(values.max()) + 1, np.bool_)
    used[values] = True
    return np.flatnonzero(used), (np.cumsum(used, dtype=np.int32) - np.int32(1))[values]


@njit(cache=True, nogil=True)
def by_number(number: I32, count: int) -> tuple[I32, I64]:
    """Places of values by their number, and where each number's start and the last ones end: a stable sort of small numbers.

    Args:
        number: i32[n], 0 ≤ number < count.
        count: of numbers.
    """
    bounds, order = np.zeros(count + 1, np.int64), np.empty(number.shape[0], np.int32)
    for c in number:
        bounds[c + 1] += 1
    for c in range(count):
        bounds[c + 1] += bounds[c]
    place = bounds[:-1].copy()
    for i in range(number.shape[0]):
        order[place[number[i]]] = i
        place[number[i]] += 1
    return order, bounds


@njit(cache=True, nogil=True)
def _condense(
    indptr: I32, indices: I32, data: F64, nodes: I32, part: I32, bounds: I64, tie: F64, out: tuple[I32, I32, F64]
) -> int:
    """Fill the graph of communities, in compressed rows with neighbours ascending; how many entries it has.

    Nodes lie by community, `bounds` says where each one's start; `tie` is zero before and after. No weight is zero.
    """
    starts, neighbours, weights = out
    n = 0
    for c in range(bounds.shape[0] - 1):
        first = n
        for i in nodes[bounds[c] : bounds[c + 1]]:
            for e in range(indptr[i], indptr[i + 1]):
                d = part[indices[e]]
                if tie[d] == 0.0:
                    neighbours[n] = d
                    n += 1
                tie[d] += data[e]
        neighbours[first:n].sort()
        for e in range(first, n):
            weights[e], tie[neighbours[e]] = tie[neighbours[e]], 0.0
        starts[c + 1] = n
    return n


def carried_on(graph: sp.csr_matrix, active: I32, whole: float, label: I32) -> I32:
    """Communities after nodes and then whole communities have moved.

    Args:
        graph: of n nodes, symmetric, with weights above zero.
        active: i32[m], nodes that may move, in the order in which they are looked at; no edge leads from them to others.
        whole: strength of all nodes.
        label: i32[n], community of each node before, 0 ≤ label < n.
    """
    label = label.copy()
    move(graph.indptr, graph.indices, graph.data, active, whole, label)
    nodes, part = np.sort(active), np.zeros(label.size, np.int32)
    names, number = numbered(label[nodes])
    part[nodes] = number
    order, bounds = by_number(number, names.size)
    level = _condensed(graph.indptr, graph.indices, graph.data, nodes[order], part, bounds)
    while True:
        # Each level is made of the one before, which is far smaller than the graph.
        alone = np.arange(names.size, dtype=np.int32)
        joined = alone.copy()
        move(*level, alone, whole, joined)
        if (joined == alone).all():
            label[nodes] = names[number]
            return label
        left, again = numbered(joined)
        order, bounds = by_number(again, left.size)
        level = _condensed(*level, order, again, bounds)
        names, number = names[left], again[number]


def _condensed(indptr: I32, indices: I32, data: F64, nodes: I32, part: I32, bounds: I64) -> tuple[I32, I32, F64]:
    """The graph of communities of a graph, one half of it beside the other; arguments as of `_condense`."""
    middle = int(np.searchsorted(bounds, bounds[-1] // 2))

    def half(ends: I64) -> tuple[I32, I32, F64]:
        inside = nodes[ends[0] : ends[-1]]
        entries = int((indptr[inside + 1] - indptr[inside]).sum())
        level = np.zeros(ends.size, np.int32), np.empty(entries, np.int32), np.empty(entries)
        used = _condense(indptr, indices, data, nodes, part, ends, np.zeros(bounds.size - 1), level)
        return level[0], level[1][:used], level[2][:used]

    if not 0 < middle < bounds.size - 1:
        return half(bounds)
    one, two = both(lambda: half(bounds[: middle + 1]), lambda: half(bounds[middle:]))
    starts = np.concatenate([one[0], two[0][1:] + one[0][-1]])
    return starts, np.concatenate([one[1], two[1]]), np.concatenate([one[2], two[2]])
