"""What a cluster is beyond the sum of its members: one declaration a feature, over all clusters of a tick at once."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from numba import njit

from detector.coordination.behaviour import lasted
from detector.coordination.graph import Links
from detector.coordination.keys import KINDS
from detector.coordination.peers import Peers
from detector.coordination.volumes import Asked, Volumes, levelled
from detector.profiles.facts import Facts
from detector.profiles.layout import COUNT, F64, I32, I64, U8, U32
from detector.profiles.pool import Pooled, rows_of

N_KINDS = len(KINDS)
# What features and cases read of single members, beside what is one number: a look pools thousands of them.
OF_MEMBERS = ("counts", "tokens", "lengths_in", "lengths_out", "prompts")


@njit(cache=True, nogil=True)
def _holders(key: I64, cluster: I64, count: I32, out: I32) -> None:
    """Members of its cluster that hold the key of each edge; edges lie by cluster, `count` is zero and has a place a key."""
    start = 0
    while start < key.shape[0]:
        stop = start
        while stop < key.shape[0] and cluster[stop] == cluster[start]:
            count[key[stop]] += 1
            stop += 1
        for i in range(start, stop):
            out[i] = count[key[i]]
        for i in range(start, stop):
            count[key[i]] = 0
        start = stop


@njit(cache=True, nogil=True)
def _strongest(member: I64, kind: U8, weight: F64, out: F64) -> None:
    for i in range(member.shape[0]):
        out[member[i], kind[i]] = max(out[member[i], kind[i]], weight[i])


@njit(cache=True, nogil=True)
def _count_distinct(values: I64, offsets: I64, out: F64) -> None:
    for g in range(out.shape[0]):
        ordered = np.sort(values[offsets[g] : offsets[g + 1]])
        out[g] = min(ordered.shape[0], 1)
        for i in range(1, ordered.shape[0]):
            out[g] += ordered[i] != ordered[i - 1]


@dataclass(frozen=True)
class Population:
    """All active accounts at a tick, for what chance would give.

    Attributes:
        size: active accounts.
        created: f64[size], µs, sorted, without unknown ones.
        active: f64[words of ten minutes], share of active accounts with traffic in each ten minutes of the present pane.
        launch_share: share of all requests to models launched within three days.
        first: i64[size], first sight of each account, sorted.
        lengths_in, lengths_out: f64[bins], requests by length of all accounts.
        lexical: f64[bins], hashed words of all accounts.
        volumes: how unequal their volumes are.
        peers: some of them, of each size.
    """

    size: int
    created: F64
    active: F64
    launch_share: float
    first: I64
    lengths_in: F64
    lengths_out: F64
    lexical: F64
    volumes: Volumes
    peers: Peers

    @cached_property
    def computed(self) -> dict[str, F64]:
        """What was worked out of it and is asked look after look, by name."""
        return {}


@dataclass(frozen=True)
class Ties:
    """What holds clusters together: all that the features of links read.

    Attributes:
        strengths: f64[members, kinds], as `ClusterView.strengths`.
        offsets: i64[clusters + 1].
    """

    strengths: F64
    offsets: I64

    @cached_property
    def _cluster(self) -> I64:
        return np.repeat(np.arange(self.offsets.size - 1), np.diff(self.offsets))

    def mean(self, values: F64) -> F64:
        """Mean over the members of each cluster."""
        total = np.bincount(self._cluster, values, self.offsets.size - 1)
        return np.asarray(total / np.maximum(np.diff(self.offsets).astype(np.float64), 1.0), np.float64)

    def without(self, kinds: Collection[int]) -> "Ties":
        """The same, as if the members shared nothing of some kinds."""
        left = np.array([kind not in kinds for kind in range(N_KINDS)])
        return Ties(self.strengths * left, self.offsets)


@dataclass(frozen=True)
class ClusterView:
    """The clusters of a tick; arrays over members run through all clusters one after the other.

    Attributes:
        slots: i32[members].
        offsets: i64[clusters + 1].
        pooled: one row a cluster.
        each: one row a member, of the wide columns only `OF_MEMBERS`.
        facts: one row a member.
        links: all edges of the tick.
        bits: bool[members, ten minutes], activity in the present pane.
        population: what chance would give.
        launched: f64[clusters], requests to models launched within three days.
        bans: event times of bans so far, µs.
        now: event time, µs.
        least: i64[clusters], requests with what the cluster shares, below which an account would not be in it.
        share: f64[clusters], of a member's requests that carry it.
        carrying: f64[members], requests that carry the text that holds its cluster together; 0 where that is none.
        alike: bool[clusters], found by likeness, not by what members share.
        several: bool[clusters], put together of several that were found before.
        price: f64[clusters], nats of level volumes that it has to show beyond others: it is one of many, chosen for what it holds.
    """

    slots: I32
    offsets: I64
    pooled: Pooled
    each: Pooled
    facts: Facts
    links: Links
    bits: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
    population: Population
    launched: F64
    bans: I64
    now: int
    least: I64
    share: F64
    carrying: F64
    alike: np.ndarray[tuple[int], np.dtype[np.bool_]]
    several: np.ndarray[tuple[int], np.dtype[np.bool_]]
    price: F64

    @cached_property
    def computed(self) -> dict[str, F64]:
        """Features that were asked for, by name; f64[clusters] each."""
        return {}

    @cached_property
    def days(self) -> F64:
        """Days for which each member has worked, at least one."""
        requests = self.each.counts[:, COUNT["requests"]].astype(np.float64)
        return lasted(self.each.first, self.each.last, requests)

    @cached_property
    def levelled(self) -> F64:
        """Log Bayes factors of each member's volume against those of others, in each way; f64[`OF_ALL`, members]."""
        asked = Asked(self.each.counts, self.days, self.carrying)
        return levelled(asked, self.least, self.share, self.offsets, self.population.volumes)

    @cached_property
    def level(self) -> F64:
        """Log Bayes factor of each member's volume, in the way in which its cluster is the most level; f64[members]."""
        return self.levelled[self.most_level[self.cluster], np.arange(self.slots.size)]

    @cached_property
    def most_level(self) -> I64:
        """The way in which each cluster is the most level; i64[clusters]."""
        return np.argmax([self.total(way) for way in self.levelled], axis=0)

    @cached_property
    def size(self) -> F64:
        """Members of each cluster."""
        return np.asarray(np.diff(self.offsets), np.float64)

    @cached_property
    def cluster(self) -> I64:
        """Cluster number of each member."""
        return np.repeat(np.arange(self.offsets.size - 1), np.diff(self.offsets))

    @cached_property
    def shared(self) -> tuple[I64, npt.NDArray[np.uint8], F64, F64]:
        """Edges inside clusters whose key another member holds too: member, kind, weight, and share of the members that hold it."""
        member, edge = self.links.of(self.slots)
        key, kind, weight = self.links.key[edge], self.links.kind[edge], self.links.weight[edge]
        cluster = self.cluster[member]
        held = np.empty(key.size, np.int32)
        _holders(key, cluster, np.zeros(int(self.links.key.max(initial=0)) + 1, np.int32), held)
        both = held > 1
        return member[both], kind[both], weight[both], held[both] / self.size[cluster[both]]

    @cached_property
    def strengths(self) -> F64:
        """Nats by member and kind: the strongest key that another member of the cluster holds too; f64[members, kinds]."""
        return self.strongest(self.shared[2])

    def strongest(self, weight: F64) -> F64:
        """The largest of the weights of each member's shared edges, by kind; f64[members, kinds].

        Args:
            weight: f64[edges], of each edge of `shared`.
        """
        member, kind, _, _ = self.shared
        out = np.zeros((self.slots.size, N_KINDS))
        _strongest(member, kind, weight, out)
        return out

    @cached_property
    def ties(self) -> Ties:
        """For the features of links."""
        return Ties(self.strengths, self.offsets)

    @cached_property
    def payers(self) -> F64:
        """Distinct payers of each cluster; an organisation pays for accounts whose payer is unknown, else each is its own."""
        return self._distinct(self.facts.payment, self.facts.organisation)

    @cached_property
    def organisations(self) -> F64:
        """Distinct organisations of each cluster; an account whose organisation is unknown is its own."""
        return self._distinct(self.facts.organisation)

    def _distinct(self, *hashes: U32) -> F64:
        # One number each: 32 bits of the first hash that is known or of the slot, above them which it is.
        owner = (len(hashes) << 32) + self.slots.astype(np.int64)
        for which, known in reversed(list(enumerate(hashes))):
            owner = np.where(known != 0, (which << 32) + known.astype(np.int64), owner)
        out = np.empty(self.offsets.size - 1)
        _count_distinct(owner, self.offsets, out)
        return out

    def expected(self, counts: F64, exposure: F64) -> F64:
        """What each member would have made at the common rate of its cluster; f64[members].

        Args:
            counts: f64[members].
            exposure: f64[members], time or whatever the rate is of.
        """
        rate = self.total(counts) / np.maximum(self.total(exposure), 1e-9)
        return rate[self.cluster] * exposure

    def joined(self, counts: I64) -> I64:
        """Histograms of the members of each cluster added up; i64[clusters, bins]."""
        return np.asarray(np.add.reduceat(counts, self.offsets[:-1], axis=0), np.int64)

    def only(self, rows: I64) -> "ClusterView":
        """The same moment with some of its clusters.

        Args:
            rows: i64[n], ascending.
        """
        part = np.isin(self.cluster, rows)
        some = replace(
            self,
            slots=self.slots[part],
            offsets=np.concatenate([[0], np.cumsum(np.diff(self.offsets)[rows])]),
            pooled=Pooled(*rows_of(self.pooled, rows)),
            each=Pooled(*rows_of(self.each, part)),
            facts=Facts(*rows_of(self.facts, part)),
            bits=self.bits[part],
            launched=self.launched[rows],
            least=self.least[rows],
            share=self.share[rows],
            carrying=self.carrying[part],
            alike=self.alike[rows],
            several=self.several[rows],
            price=self.price[rows],
        )
        # What speaks of single members stays true of them.
        vars(some)["levelled"] = self.levelled[:, part]
        return some

    def total(self, values: F64) -> F64:
        """Sum over the members of each cluster."""
        return np.asarray(np.bincount(self.cluster, values, self.offsets.size - 1), np.float64)

    def mean(self, values: F64) -> F64:
        """Mean over the members of each cluster."""
        return self.total(values) / np.maximum(self.size, 1.0)


Compute = Callable[[ClusterView], F64]


@dataclass(frozen=True)
class ClusterFeature:
    """One number about a cluster that its pooled profile does not hold; fields as in `Feature`."""

    name: str
    unit: str
    formula: str
    needs: tuple[str, ...]
    meaning: str
    compute: Compute
    window: str = "7 d"


CLUSTER_FEATURES: dict[str, ClusterFeature] = {}


def cluster_feature(
    name: str, unit: str, formula: str, needs: tuple[str, ...], meaning: str
) -> Callable[[Compute], Compute]:
    """Register a function as a cluster feature."""

    def register(compute: Compute) -> Compute:
        if name in CLUSTER_FEATURES:
            raise ValueError(f"cluster feature {name} is declared twice")
        CLUSTER_FEATURES[name] = ClusterFeature(name, unit, formula, needs, meaning, compute)
        return compute

    return register
