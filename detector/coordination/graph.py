"""The bipartite graph of accounts and link keys, weighed by surprise, and its communities."""

import math
from typing import NamedTuple

import graspologic_native
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from detector.coordination.keys import KINDS, MAIL, SYSTEM, TEMPLATE, TLS
from detector.coordination.table import LinkTable, shared
from detector.profiles.layout import F64, I32, I64, U64

MIN_SURPRISE = 2.0  # nats: a key held by more than e⁻² of all accounts says nothing about two of them
# Popular domains have sign-ups every week, and every client stack has strangers on it: evidence about a cluster, but nothing to
# build one on.
GLUE = ~np.isin(np.arange(len(KINDS)), (MAIL, TLS))
TEXTS = np.isin(np.arange(len(KINDS)), (TEMPLATE, SYSTEM))
SMALLEST = 3
SEED = 20_260_224
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(31))


class Links(NamedTuple):
    """Edges that survive weighing, by slot.

    Attributes:
        slot: account.
        key: key number.
        kind: `KINDS`.
        weight: nats, surprise × support.
        holders: accounts that hold the key, by key number.
        hashed: the key itself, by key number.
    """

    slot: I32
    key: I64
    kind: npt.NDArray[np.uint8]
    weight: F64
    holders: I32
    hashed: U64

    def texts_of(self, slots: I32) -> tuple[I64, I64]:
        """Key numbers of the texts that any of the accounts holds, and how many of them hold each."""
        _, edge = self.of(slots)
        return np.unique(self.key[edge[TEXTS[self.kind[edge]]]], return_counts=True)

    def of(self, slots: I32) -> tuple[I64, I64]:
        """Edges of accounts: the place of the account in `slots`, and that of the edge."""
        # Edges lie by slot, so that an account's are one run.
        start, stop = (np.searchsorted(self.slot, slots, side=side) for side in ("left", "right"))
        runs = stop - start
        place = np.repeat(np.arange(slots.size), runs)
        return place, np.arange(place.size) + np.repeat(start - np.cumsum(runs) + runs, runs)

    def short(self, key: int) -> int:
        """Hash of a key without its kind: what a batch's columns hold of a text."""
        return int(self.hashed[key]) & 0xFFFF_FFFF

    def kind_of(self, key: int) -> int:
        """Kind of a key."""
        return (int(self.hashed[key]) >> 56) - 1


def weigh(table: LinkTable, slots: int, population: int) -> Links:
    """Drop keys that nobody shares or too many do; weigh the rest by −log of the share of accounts that hold them.

    Args:
        table: what accounts hold.
        slots: accounts known.
        population: active accounts.
    """
    # In a small population nothing can be as rare as the floor asks: a pair may always link.
    floor = min(MIN_SURPRISE, math.log(max(population, 4) / 2.0))
    most = int(max(population, 2) * math.exp(-floor) + 1e-9)
    slot, key, weight = shared(table, slots, most, population)
    kind = ((table.hashed[key] >> np.uint64(56)) - np.uint64(1)).astype(np.uint8)
    return Links(slot, key, kind, weight, table.holders, table.hashed)


def _numbered(values: npt.NDArray[np.integer]) -> tuple[I64, I64]:
    """Values in use, ascending, and the place of each value among them: `np.unique` for small numbers, without a sort."""
    used = np.zeros(int(values.max()) + 1, np.bool_)
    used[values] = True
    return np.flatnonzero(used), (np.cumsum(used) - 1)[values]


def _signatures(links: Links, component: I64, n: int) -> U64:
    """One number a component, the same as long as it has the same edges; the order of edges does not matter."""
    mixed = (links.slot.astype(np.uint64) + _MIX[0]) * _MIX[1] ^ links.hashed[links.key] * _MIX[0]
    mixed = (mixed ^ (mixed >> _MIX[2])) * _MIX[1]
    out = np.zeros(n, np.uint64)
    np.add.at(out, component, mixed)
    return out


class Communities:
    """Communities of the link graph; components whose edges have not changed keep theirs.

    Leiden (Traag et al. 2019) on the bipartite graph; the texts of one account share the weight of the strongest, so that a long
    wrapper does not outweigh a payment token. Modularity falls apart into components when each is given the resolution m / M, its
    weight over that of the whole graph, so that parts can be found alone.
    """

    def __init__(self) -> None:
        self._found: dict[int, list[I32]] = {}

    def find(self, links: Links) -> list[I32]:
        """Slots of each community of at least `SMALLEST` accounts, largest first, ties by smallest slot."""
        glue = GLUE[links.kind]
        links = links._replace(
            slot=links.slot[glue], key=links.key[glue], kind=links.kind[glue], weight=links.weight[glue]
        )
        if links.slot.size == 0:
            return []
        numbers, rows = _numbered(links.slot)
        slots = numbers.astype(np.int32)
        keys, columns = _numbered(links.key)
        graph = _graph(_damped(links, rows, slots.size), rows, columns + slots.size, slots.size + keys.size)
        parts, label = connected_components(graph, directed=False)
        signs = [int(s) for s in _signatures(links, label[rows], parts)]
        held = np.bincount(label[: slots.size], minlength=parts)
        wanted = [c for c in range(parts) if held[c] >= SMALLEST]
        fresh = np.array([c for c in wanted if signs[c] not in self._found], np.int64)
        found = self._partition(graph, np.flatnonzero(np.isin(label, fresh)), slots) if fresh.size else []
        made: dict[int, list[I32]] = {signs[c]: [] for c in fresh}
        for group in found:
            made[signs[label[np.searchsorted(slots, group[0])]]].append(group)
        self._found = {signs[c]: made[signs[c]] if signs[c] in made else self._found[signs[c]] for c in wanted}
        return sorted((g for groups in self._found.values() for g in groups), key=lambda g: (-g.size, int(g[0])))

    @staticmethod
    def _partition(graph: sp.csr_matrix, nodes: I64, slots: I32) -> list[I32]:
        part = graph[nodes][:, nodes]
        _, labels = graspologic_native.leiden_csr(
            part.indptr.astype(np.int64),
            part.indices.astype(np.int32),
            part.data,
            n_nodes=nodes.size,
            resolution=float(part.data.sum() / graph.data.sum()),
            seed=SEED,
        )
        accounts = np.flatnonzero(nodes < slots.size)
        community = np.fromiter((labels[int(i)] for i in accounts), np.int64, accounts.size)
        order = np.argsort(community, kind="stable")
        cuts = np.flatnonzero(np.diff(community[order])) + 1
        return [slots[nodes[accounts[group]]] for group in np.split(order, cuts) if group.size >= SMALLEST]


def _damped(links: Links, rows: I64, n: int) -> F64:
    text = TEXTS[links.kind]
    texts = np.bincount(rows[text], minlength=n)
    return np.where(text, links.weight / np.sqrt(np.maximum(texts[rows], 1)), links.weight)


def _graph(weight: F64, rows: I64, columns: I64, n: int) -> sp.csr_matrix:
    half = sp.coo_matrix((weight, (rows, columns)), shape=(n, n))
    graph = (half + half.T).tocsr()
    graph.sum_duplicates()
    return graph
