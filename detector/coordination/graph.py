"""The bipartite graph of accounts and link keys, weighed by surprise, and its communities."""

import math
from typing import NamedTuple

import graspologic_native
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from numba import njit

from detector.coordination.glued import glued
from detector.coordination.keys import KINDS, MAIL, SYSTEM, TEMPLATE, TLS
from detector.coordination.moving import by_number, carried_on, numbered
from detector.coordination.table import LinkTable, shared
from detector.profiles.layout import F64, HOUR_US, I32, I64, U64, Flags, grown

MIN_SURPRISE = 2.0  # nats: a key held by more than e⁻² of all accounts says nothing about two of them
# Popular domains have sign-ups every week, and every client stack has strangers on it: evidence about a cluster, but nothing to
# build one on.
GLUE = ~np.isin(np.arange(len(KINDS)), (MAIL, TLS))
TEXTS = np.isin(np.arange(len(KINDS)), (TEMPLATE, SYSTEM))
SMALLEST = 3
# Of a component's accounts: fewer newcomers find their place without a whole run, which takes long where there are many.
GROWN, GROWN_LARGE = 1.0 / 16.0, 1.0 / 8.0
_LARGE = 10_000  # accounts
_TINY = 100  # accounts and keys of a component; a whole run over a smaller one takes no time
_ANEW_US = 6 * HOUR_US
_TURNS = 4
SEED = 20_260_224


@njit(cache=True, nogil=True)
def _listed(start: I64, stop: I64, place: I64, edge: I64) -> None:
    n = 0
    for i in range(start.shape[0]):
        for e in range(start[i], stop[i]):
            place[n], edge[n] = i, e
            n += 1


class Links(NamedTuple):
    """Edges that survive weighing, by slot.

    Attributes:
        slot: account.
        key: key number.
        kind: `KINDS`.
        weight: nats, surprise × support.
        holders: accounts that hold the key, by key number.
        hashed: the key itself, by key number.
        starts: where the edges of each account start, by slot, and where the last ones end.
    """

    slot: I32
    key: I64
    kind: npt.NDArray[np.uint8]
    weight: F64
    holders: I32
    hashed: U64
    starts: I64

    def texts_of(self, slots: I32) -> tuple[I64, I64]:
        """Key numbers of the texts that any of the accounts holds, and how many of them hold each."""
        _, edge = self.of(slots)
        return np.unique(self.key[edge[TEXTS[self.kind[edge]]]], return_counts=True)

    def of(self, slots: I32) -> tuple[I64, I64]:
        """Edges of accounts: the place of the account in `slots`, and that of the edge."""
        last = self.starts.size - 1
        start, stop = self.starts[np.minimum(slots, last)], self.starts[np.minimum(slots + 1, last)]
        n = int((stop - start).sum())
        place, edge = np.empty(n, np.int64), np.empty(n, np.int64)
        _listed(start, stop, place, edge)
        return place, edge

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
    slot, key, weight, starts = shared(table, slots, most, population)
    kind = ((table.hashed[key] >> np.uint64(56)) - np.uint64(1)).astype(np.uint8)
    # Who holds what goes on changing in the table, and what was looked at may wait for its scores.
    return Links(slot, key, kind, weight, table.holders.copy(), table.hashed, starts)


class Communities:
    """Communities of the link graph, kept up from look to look.

    Leiden (Traag et al. 2019) on the bipartite graph; the texts of one account share the weight of the strongest, so that a long
    wrapper does not outweigh a payment token. Modularity falls apart into components when each is given the resolution m / M, its
    weight over that of the whole graph, so that parts can be found alone.

    A component whose edges have not changed keeps its communities, and a tiny one that changed is partitioned anew. In a larger one
    accounts and keys move from the communities that were to where they fit best; when more than `GROWN` of its accounts were in no
    whole run of the last six hours, it is partitioned anew as well.
    """

    def __init__(self) -> None:
        # By slot: community, by its smallest slot, and event time of the whole run that it was part of; −1 and 0 where none.
        self._label: I32 = np.zeros(0, np.int32)
        self._since: I64 = np.zeros(0, np.int64)
        self._signs: U64 = np.zeros(0, np.uint64)

    def find(self, links: Links, now: int) -> list[I32]:
        """Slots of each community of at least `SMALLEST` accounts, largest first, ties by smallest slot.

        Args:
            links: of the look.
            now: event time, µs.
        """
        whole = glued(links.slot, links.key, links.kind, links.weight, links.hashed, GLUE, TEXTS)
        if whole is None:
            return []
        slots, graph, component, signs = whole
        parts = signs.size
        label, since = self._before(slots)
        changed = ~np.isin(signs, self._signs)
        small = np.bincount(component, minlength=parts) < _TINY
        anew = changed & (small | self._outdated(component[: slots.size], since, now, parts))
        moving = changed & ~anew
        if moving.any():
            label = _moved(graph, moving[component], label)
        if anew.any():
            nodes = np.flatnonzero(anew[component])
            accounts, found = self._partition(graph, nodes, slots.size)
            label[accounts], since[accounts] = found + label.max(initial=-1) + 1, now
        self._signs = np.sort(signs)
        return self._keep(slots, label, since)

    def _before(self, slots: I32) -> tuple[I32, I64]:
        """Community and last whole run of each account, from the look before."""
        n = int(slots[-1]) + 1
        return grown(self._label, n, -1)[slots], grown(self._since, n, 0)[slots]

    @staticmethod
    def _outdated(component: I32, since: I64, now: int, parts: int) -> Flags:
        """Components in which too many accounts were in no whole run of late.

        An account whose own was long ago counts like one that has just come: parts that were found at different times grow together
        all the time, and one of them does not make the whole outdated.
        """
        outside = np.bincount(component[(since == 0) | (since <= now - _ANEW_US)], minlength=parts)
        size = np.bincount(component, minlength=parts)
        return np.asarray(outside > np.where(size < _LARGE, GROWN, GROWN_LARGE) * size)

    def _keep(self, slots: I32, label: I32, since: I64) -> list[I32]:
        """Remember what was found; slots, ascending, of each community of at least `SMALLEST`, in the order of `find`."""
        names, number = numbered(label)
        order, bounds = by_number(number, names.size)
        ordered = slots[order]
        size = np.diff(bounds)
        n = int(slots[-1]) + 1
        self._label, self._since = np.full(n, -1, np.int32), np.zeros(n, np.int64)
        self._label[ordered] = np.repeat(ordered[bounds[:-1]], size)
        self._since[slots] = since
        large = np.flatnonzero(size >= SMALLEST)
        large = large[np.lexsort((ordered[bounds[large]], -size[large]))]
        return [ordered[a:b] for a, b in zip(bounds[large].tolist(), bounds[large + 1].tolist(), strict=True)]

    @staticmethod
    def _partition(graph: sp.csr_matrix, nodes: I64, accounts: int) -> tuple[I64, I64]:
        """Accounts of a part of the graph, and the community of each."""
        part = graph if nodes.size == graph.shape[0] else graph[nodes][:, nodes]
        _, labels = graspologic_native.leiden_csr(
            part.indptr.astype(np.int64),
            part.indices.astype(np.int32),
            part.data,
            n_nodes=nodes.size,
            resolution=float(part.data.sum() / graph.data.sum()),
            seed=SEED,
        )
        inside = nodes[nodes < accounts]
        return inside, np.fromiter(map(labels.__getitem__, range(inside.size)), np.int64, inside.size)


@njit(cache=True, nogil=True)
def _start(indptr: I32, indices: I32, active: Flags, before: I32, label: I32, order: I32) -> int:
    """Fill the community of each node before it moves, and the nodes that may move in turns of `_TURNS`; how many may.

    Accounts start where they were, keys alone. The first turn is that of keys that somebody held, since they go to those who did;
    newcomers follow, then keys of newcomers alone, and then accounts that have a community.
    """
    accounts, n = before.shape[0], label.shape[0]
    first = np.full(before.max() + 1, -1, np.int32)
    turn, starts = np.empty(n, np.uint8), np.zeros(_TURNS + 1, np.int64)
    for i in range(n):
        label[i], turn[i] = i, 2
        if i < accounts:
            turn[i] = 1
            if before[i] >= 0:
                turn[i] = 3
                if first[before[i]] < 0:
                    first[before[i]] = i
                label[i] = first[before[i]]
        else:
            for e in range(indptr[i], indptr[i + 1]):
                if before[indices[e]] >= 0:
                    turn[i] = 0
                    break
        starts[turn[i] + 1] += active[i]
    starts = np.cumsum(starts)
    for i in range(n):
        if active[i]:
            order[starts[turn[i]]] = i
            starts[turn[i]] += 1
    return starts[_TURNS - 1]


def _moved(graph: sp.csr_matrix, active: Flags, before: I32) -> I32:
    """Communities of accounts after the active nodes have moved."""
    label, order = np.empty(active.size, np.int32), np.empty(active.size, np.int32)
    n = _start(graph.indptr, graph.indices, active, before, label, order)
    return carried_on(graph, order[:n], float(graph.data.sum()), label)[: before.size]
