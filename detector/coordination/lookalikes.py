"""Accounts that share nothing and act as one: groups found by the lengths of what they send and get alone.

A pool without a common card, network or wording still works off one list with one generator. Each account's nearest ones by its
distributions of input and output lengths are found in a tree; accounts that are near each other, and likelier to draw from one
source than from two, are tied, and communities of ties that are levelled beyond what people are become candidates. Pairs of
clients alike in both lengths are rare in production traces (ServeGen: 0 to 0.3 % of pairs), and whether the volumes are level is
a question that lengths do not answer, so that the second does not follow from the first.
"""

from dataclasses import dataclass, field
from typing import Final

import graspologic_native
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.fft import dct
from scipy.spatial import KDTree

from detector.coordination.behaviour import Behaviour, behaviour_of, requests_of
from detector.coordination.features.twins import anybody, log_marginal, one_generator
from detector.coordination.volumes import Asked, Volumes, levelled
from detector.profiles.layout import F64, HOUR_US, I32, I64
from detector.profiles.store import ProfileStore

ALIKE: Final = 1  # in the name of a cluster, in place of the hash of a key
LEAST: Final = 12  # requests; with fewer the lengths of an account say little
SMALLEST: Final = 5
_NEIGHBOURS = 10
# A tree may miss some that are up to twice as near: 97 % of what it finds is the same, at a quarter of the time.
_NEAR_ENOUGH = 1.0
_WAVES = 6  # lowest frequencies kept of a distribution of lengths, so that a few requests do not look unlike
# Weight of a share of one, between root-shares of lengths: habits (a system prompt, turns, tools) and what the requests are after.
_HABITS, _AIMS = 0.5, 0.3
_ONE_SOURCE = 3.0  # nats: odds of twenty to one
# People who happen to be alike are part of a crowd: the nearest of many are outside of whatever group they are put in. On worlds
# without an attack such groups have 0.4 to 0.95 of the members' nearest inside, a generator's accounts all but a few.
_APART = 0.95
_HALF = 0.5
# Modularity finds larger communities in larger graphs. At a resolution in proportion to the number of ties two groups of forty
# accounts become one from about ten ties between them on, however many accounts there are.
_TIES = 7_000.0
# Nats: a candidate is worth a full look at odds of a hundred to one, of the 11.5 nats that name it.
_WORTH = 4.6
_EVERY_US = 6 * HOUR_US
_OFTEN_US = HOUR_US
_GROWTH = 1.0 / 8.0  # of all requests: then it is looked again before the time
_SEED = 20_260_224


@dataclass
class Lookalikes:
    """The groups, found again when the traffic has grown or hours have passed.

    Attributes:
        when: event time of the latest search, µs.
        requests: of all accounts at that time.
        groups: slots of each, ascending.
    """

    when: int = 0
    requests: int = 0
    groups: list[I32] = field(default_factory=list)

    def find(self, store: ProfileStore, alive: I32, volumes: Volumes, now: int, *, everything: bool) -> list[I32]:
        """Candidates at a moment.

        Args:
            store: profiles.
            alive: i32[n], accounts with traffic within the window.
            volumes: of all accounts.
            now: event time, µs.
            everything: search now.
        """
        age = now - self.when
        if age < _OFTEN_US and not everything:
            return self.groups
        total = requests_of(store)
        if everything or age >= _EVERY_US or total > (1.0 + _GROWTH) * self.requests:
            self.groups = _search(store, alive, volumes, now)
            self.when, self.requests = now, total
        return self.groups


def _search(store: ProfileStore, alive: I32, volumes: Volumes, now: int) -> list[I32]:
    # By identity and not by slot: the same accounts give the same groups in whichever order they were first seen.
    slots = alive[np.argsort(store.accounts.ident[alive], kind="stable")]
    everyone = behaviour_of(store, slots, now)
    # Indexers cut documents into pieces of one size, whoever runs them.
    enough = np.flatnonzero((everyone.requests >= LEAST) & (everyone.share("embeddings")[:, 0] <= _HALF))
    if enough.size <= SMALLEST:
        return []
    accounts = everyone.of(enough)
    near = _nearest(accounts)
    groups = _communities(_ties(accounts, near, [each.sum(axis=0, dtype=np.float64) for each in everyone.lengths]))
    if not groups:
        return []
    offsets = np.concatenate([[0], np.cumsum([g.size for g in groups])]).astype(np.int64)
    worth = _worth(accounts.of(np.concatenate(groups)), offsets, volumes) & (_apart(groups, near) >= _APART)
    return [np.sort(slots[enough[g]]) for g, is_worth in zip(groups, worth, strict=True) if is_worth]


def _nearest(accounts: Behaviour) -> I64:
    """The nearest accounts of each, itself among them; i64[n, neighbours + 1]."""
    waves = [
        dct(np.sqrt(each / np.maximum(each.sum(axis=1, keepdims=True), 1)), axis=1, norm="ortho")[:, :_WAVES]
        for each in accounts.lengths
    ]
    mix = accounts.capability / np.maximum(accounts.capability.sum(axis=1, keepdims=True), 1.0)
    habits = accounts.share("system", "multi_turn", "tool_offer")
    place = np.concatenate([*waves, _HABITS * habits, _AIMS * mix], axis=1)
    # Accounts with the very same lengths are many, and a balanced tree is slow with them.
    tree = KDTree(place, balanced_tree=False)
    return np.asarray(tree.query(place, k=min(_NEIGHBOURS, place.shape[0] - 1) + 1, eps=_NEAR_ENOUGH)[1], np.int64)


def _ties(accounts: Behaviour, near: I64, everybody: list[F64]) -> sp.csr_matrix:
    """Accounts that are among each other's nearest, and likelier of one source than of two."""
    n = near.shape[0]
    one, other = np.repeat(np.arange(n), near.shape[1]), near.ravel()
    one, other = one[one != other], other[one != other]
    evidence = np.zeros(one.size)
    for each, of_all in zip(accounts.lengths, everybody, strict=True):
        alone = log_marginal(each, anybody(of_all))
        evidence += log_marginal(each[one] + each[other], anybody(of_all)) - alone[one] - alone[other]
    alike = evidence > _ONE_SOURCE
    tied = sp.coo_matrix((np.ones(int(alike.sum())), (one[alike], other[alike])), shape=(n, n)).tocsr()
    return tied.multiply(tied.T).tocsr()


def _apart(groups: list[I64], near: I64) -> F64:
    """Share of the members' nearest accounts that are members; f64[groups]."""
    label = np.full(near.shape[0], -1, np.int64)
    for g, members in enumerate(groups):  # over groups
        label[members] = g
    own = np.arange(near.shape[0])[:, None]
    inside = ((label[near] == label[:, None]) & (near != own)).sum(axis=1)
    return np.array([inside[g].mean() / min(near.shape[1] - 1, g.size - 1) for g in groups])


def _communities(ties: sp.csr_matrix) -> list[I64]:
    if ties.nnz == 0:
        return []
    _, labels = graspologic_native.leiden_csr(
        ties.indptr.astype(np.int64),
        ties.indices.astype(np.int32),
        ties.data,
        n_nodes=ties.shape[0],
        resolution=ties.nnz / 2.0 / _TIES,
        seed=_SEED,
    )
    label = np.fromiter((labels[i] for i in range(ties.shape[0])), np.int64, ties.shape[0])
    order = np.argsort(label, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    return [g for g in groups if g.size >= SMALLEST]


def _worth(accounts: Behaviour, offsets: I64, volumes: Volumes) -> npt.NDArray[np.bool_]:
    """Whether each group is level enough, and its members near enough to one generator, for a full look."""
    size = np.diff(offsets)

    def total(values: F64) -> F64:
        return np.asarray(np.add.reduceat(values, offsets[:-1]), np.float64)

    asked = Asked(accounts.counts, accounts.days, np.zeros(accounts.days.size))
    ways = levelled(asked, np.full(size.size, LEAST, np.int64), np.ones(size.size), offsets, volumes)
    evidence = np.max([total(way) for way in ways], axis=0)
    generator = total(one_generator(accounts.lengths[0], offsets) + one_generator(accounts.lengths[1], offsets))
    return np.asarray((evidence > _WORTH) & (generator > 0.0))
