"""Accounts that share nothing and act as one: groups found by the lengths of what they send and get alone.

A pool without a common card, network or wording still works off one list with one generator. Each account's nearest ones by its
distributions of input and output lengths are found in a tree; accounts that are near each other, and likelier to draw from one
source than from two, are tied, and communities of ties that are levelled beyond what people are become candidates. Pairs of
clients alike in both lengths are rare in production traces (ServeGen: 0 to 0.3 % of pairs), and whether the volumes are level is
a question that lengths do not answer, so that the second does not follow from the first.

The larger a crowd, the more of it is alike by chance. So each candidate is settled first, who belongs to it and who only stands
beside (`belonging`), and then has to be more level than accounts alike are by the price of the search (`crowd`).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Final, NamedTuple

import graspologic_native
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.fft import dct
from scipy.spatial import KDTree

from detector.coordination.around import places
from detector.coordination.behaviour import Behaviour, behaviour_of, requests_of
from detector.coordination.belonging import settled
from detector.coordination.counted import HABITS, counted
from detector.coordination.crowd import SEARCH_US, SEARCHES, beyond_alike
from detector.coordination.features.twins import anybody, log_marginal, one_generator
from detector.coordination.volumes import Asked, Volumes, levelled
from detector.profiles.layout import COUNT, F64, HOUR_US, I32, I64, offsets_of
from detector.profiles.store import ProfileStore

ALIKE: Final = 1  # in the name of a cluster, in place of the hash of a key
LEAST: Final = 8  # requests; with fewer the lengths of an account say little
SMALLEST: Final = 5
_NEIGHBOURS = 10
# A tree may miss some that are up to twice as near: 97 % of what it finds is the same, at a quarter of the time.
_NEAR_ENOUGH = 1.0
_THREADS = 2  # what takes time holds no lock
_TASKS = 4 * _THREADS
_WAVES = 6  # lowest frequencies kept of a distribution of lengths, so that a few requests do not look unlike
# Weight of a share of one, between root-shares of lengths: habits (a system prompt, turns, tools) and what the requests are after.
_HABITS, _AIMS = 0.5, 0.3
_ONE_SOURCE = 3.0  # nats: odds of twenty to one
# People who happen to be alike are part of a crowd: the nearest of many are outside of whatever group they are put in. On worlds
# without an attack such groups have 0.4 to 0.95 of the members' nearest inside, a generator's accounts all but a few.
APART: Final = 0.95
# Nats a member that lengths may speak against one generator, as the rules for pools ask: wordings of a template differ in length.
_STRAYED = -1.5
_HALF = 0.5
# Modularity finds larger communities in larger graphs. At a resolution in proportion to the number of ties two groups of forty
# accounts become one from about ten ties between them on, however many accounts there are.
_TIES = 7_000.0
# Nats: a candidate is worth a full look at odds of a hundred to one, of the 11.5 nats that name it.
_WORTH = 4.6
_TURNS = COUNT["multi_turn"]
# Share of requests in conversations from which on a group is judged by the rule for agents, which asks for far more evidence than any
# other: it need not pay for the search as well, as long as it is not likelier of accounts alike.
_TALK = 0.75
# Who belongs to a group is asked again when its members or so many of their requests changed, or after so long.
_SETTLED_US = 24 * HOUR_US
_OFTEN_US = HOUR_US
_GROWTH = 1.0 / 8.0  # of all requests: then it is looked again before the time
_SEED = 20_260_224


class Belonged(NamedTuple):
    """Who belonged to a group of likeness when it was asked: slots, the requests of the group, and event time in µs."""

    slots: I32
    requests: int
    when: int

    def holds(self, requests: int, now: int) -> bool:
        """Whether so little has changed that it would be found again."""
        return abs(requests - self.requests) <= _GROWTH * self.requests and now - self.when < _SETTLED_US


@dataclass
class Lookalikes:
    """The groups, found again when the traffic has grown or hours have passed.

    Attributes:
        when: event time of the latest search, µs.
        requests: of all accounts at that time.
        groups: slots of each, ascending.
        belonged: to the groups of likeness of the latest search, by their slots.
    """

    when: int = 0
    requests: int = 0
    groups: list[I32] = field(default_factory=list)
    belonged: dict[bytes, Belonged] = field(default_factory=dict)

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
        if everything or age >= SEARCH_US or total > (1.0 + _GROWTH) * self.requests:
            before = {} if everything else self.belonged
            self.groups, self.belonged = _search(store, alive, volumes, now, before)
            self.when, self.requests = now, total
        return self.groups


class Proposed(NamedTuple):
    """What likeness alone proposes.

    Attributes:
        slots: i32[n], accounts that made enough requests.
        accounts: n rows.
        place: f64[n, dimensions], in which they are near each other.
        groups: rows of each.
        apart: f64[groups], share of the members' nearest accounts that are members.
    """

    slots: I32
    accounts: Behaviour
    place: F64
    groups: list[I64]
    apart: F64


def proposed(store: ProfileStore, alive: I32, now: int) -> Proposed | None:
    """All groups of accounts that are alike; None where there are too few accounts for one.

    Args:
        store: profiles.
        alive: i32[n], accounts with traffic within the window.
        now: event time, µs.
    """
    # By identity and not by slot: the same accounts give the same groups in whichever order they were first seen.
    slots = alive[np.argsort(store.accounts.ident[alive], kind="stable")]
    everyone = behaviour_of(store, slots, now)
    # Indexers cut documents into pieces of one size, whoever runs them.
    enough = np.flatnonzero((everyone.requests >= LEAST) & (everyone.share("embeddings")[:, 0] <= _HALF))
    if enough.size <= SMALLEST:
        return None
    accounts = everyone.of(enough)
    place = _place(accounts)
    near = _nearest(place)
    groups = _communities(_ties(accounts, near, [each.sum(axis=0, dtype=np.float64) for each in everyone.lengths]))
    return Proposed(slots[enough], accounts, place, groups, _apart(groups, near))


def _search(
    store: ProfileStore, alive: I32, volumes: Volumes, now: int, before: dict[bytes, Belonged]
) -> tuple[list[I32], dict[bytes, Belonged]]:
    """Candidates, and who was found to belong to which group of likeness."""
    found = proposed(store, alive, now)
    if found is None or not found.groups:
        return [], {}
    slots, level = found.slots, _Once(partial(_level, found.accounts, volumes))
    nats = _Once(partial(_beyond, found.accounts))
    price = float(np.log(max(len(found.groups), 1) * SEARCHES))
    # Most groups that are level against everybody are accounts alike, and need not be settled to be told.
    groups = _worth(_chosen(found.groups, found.apart >= APART), level, nats, 0.0)
    row = np.full(len(store), -1, np.int64)
    row[slots] = np.arange(slots.size)
    known = _belonging(found, groups, row, now, before)
    groups = _disjoint(groups, [row[each.slots] for each in known.values()], level, slots.size)
    return [np.sort(slots[g]) for g in _worth(groups, level, nats, price)], known


class _Once:
    """A question that is asked of each group once in a search: most groups are the same before and after they are settled."""

    def __init__(self, ask: Callable[[list[I64]], F64]) -> None:
        self._ask = ask
        self._known: dict[bytes, float] = {}

    def __call__(self, groups: list[I64]) -> F64:
        """What is known of each group of rows; f64[groups]."""
        names = [g.tobytes() for g in groups]
        new = {name: g for name, g in zip(names, groups, strict=True) if name not in self._known}
        if new:
            self._known |= zip(new, self._ask(list(new.values())).tolist(), strict=True)
        return np.array([self._known[name] for name in names])


def _belonging(
    found: Proposed, groups: list[I64], row: I64, now: int, before: dict[bytes, Belonged]
) -> dict[bytes, Belonged]:
    """Who belongs to each group, where that is not known already.

    Args:
        found: all accounts.
        groups: rows of each.
        row: i64[slots], -1 where an account is none of them.
        now: event time, µs.
        before: who was found to belong to which group.
    """
    if not groups:
        return {}
    names, requests = [found.slots[g].tobytes() for g in groups], found.accounts.requests
    sent = [int(n) for n in np.add.reduceat(requests[np.concatenate(groups)], offsets_of(groups)[:-1])]
    out = {
        name: last
        for name, n in zip(names, sent, strict=True)
        if (last := before.get(name)) and last.holds(n, now) and (row[last.slots] >= 0).all()
    }
    of, near, asked = counted(found.accounts), places(found.place), [g for g, n in enumerate(names) if n not in out]
    # A few tasks, as each has a price, and not as few as there are threads, as groups differ in size.
    parts = [asked[first::_TASKS] for first in range(_TASKS)]
    with ThreadPoolExecutor(_THREADS) as pool:
        found_of = list(pool.map(lambda part: [settled(of, near, groups[g]) for g in part], parts))
    for g, members in zip(chain(*parts), chain(*found_of), strict=True):
        out[names[g]] = Belonged(found.slots[members], sent[g], now)
    return {name: out[name] for name in names}


def _chosen(groups: list[I64], worth: npt.NDArray[np.bool_]) -> list[I64]:
    return [g for g, is_worth in zip(groups, worth, strict=True) if is_worth]


def _disjoint(groups: list[I64], more: list[I64], level: _Once, accounts: int) -> list[I64]:
    """Groups without their bystanders, and with who belongs to them where that leaves them as level; no account is in two.

    Args:
        groups: rows of each.
        more: rows of those who belong to each.
        level: nats of groups.
        accounts: all of them.
    """
    taken, fewer = np.zeros(accounts, np.bool_), []
    for one, g in zip(more, groups, strict=True):  # over groups
        taken[g] = True
        fewer.append(one[taken[one]])
        taken[g] = False
    better = [a if x >= y else b for a, b, x, y in zip(more, fewer, level(more), level(fewer), strict=True)]
    out: list[I64] = []
    for group in sorted(better, key=lambda g: -g.size):  # over groups
        left = group[~taken[group]]
        if left.size >= SMALLEST:
            taken[left] = True
            out.append(left)
    return out


def _place(accounts: Behaviour) -> F64:
    """Where accounts lie by what they send and get, and by what for; f64[n, dimensions]."""
    waves = [
        dct(np.sqrt(each / np.maximum(each.sum(axis=1, keepdims=True), 1)), axis=1, norm="ortho")[:, :_WAVES]
        for each in accounts.lengths
    ]
    mix = accounts.capability / np.maximum(accounts.capability.sum(axis=1, keepdims=True), 1.0)
    habits = accounts.share(*HABITS)
    return np.concatenate([*waves, _HABITS * habits, _AIMS * mix], axis=1)


def _nearest(place: F64) -> I64:
    """The nearest accounts of each, itself among them; i64[n, neighbours + 1]."""
    # Accounts with the very same lengths are many, and a balanced tree is slow with them.
    tree = KDTree(place, balanced_tree=False)
    nearest = min(_NEIGHBOURS, place.shape[0] - 1) + 1
    return np.asarray(tree.query(place, k=nearest, eps=_NEAR_ENOUGH, workers=_THREADS)[1], np.int64)


def _ties(accounts: Behaviour, near: I64, everybody: list[F64]) -> sp.csr_matrix:
    """Accounts that are among each other's nearest, and likelier of one source than of two."""
    n = near.shape[0]
    one, other = np.divmod(_mutual(near), n)
    evidence = np.zeros(one.size)
    for each, of_all in zip(accounts.lengths, everybody, strict=True):
        alone = log_marginal(each, anybody(of_all))
        evidence += log_marginal(each[one] + each[other], anybody(of_all)) - alone[one] - alone[other]
    alike = evidence > _ONE_SOURCE
    one, other = one[alike], other[alike]
    both = np.concatenate([one, other]), np.concatenate([other, one])
    return sp.coo_matrix((np.ones(2 * one.size), both), shape=(n, n)).tocsr()


def _mutual(near: I64) -> I64:
    """Pairs of rows that are among each other's nearest, as smaller × rows + larger; i64[pairs], ascending."""
    n = near.shape[0]
    one, other = np.repeat(np.arange(n), near.shape[1]), near.ravel()
    pairs, times = np.unique(np.minimum(one, other) * n + np.maximum(one, other), return_counts=True)
    return pairs[times > 1]  # nobody is his own nearest twice


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
    label = np.fromiter(map(labels.__getitem__, range(ties.shape[0])), np.int64, ties.shape[0])
    order = np.argsort(label, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    return [g for g in groups if g.size >= SMALLEST]


def _level(accounts: Behaviour, volumes: Volumes, groups: list[I64]) -> F64:
    """Nats by which each group is more level than everybody is; f64[groups]."""
    offsets, members = offsets_of(groups), accounts.of(np.concatenate(groups))
    size = np.diff(offsets)
    cluster = np.repeat(np.arange(size.size), size)
    asked = Asked(members.counts, members.days, np.zeros(members.days.size))
    ways = levelled(asked, np.full(size.size, LEAST, np.int64), np.ones(size.size), offsets, volumes)
    return np.asarray(np.max([np.bincount(cluster, way, size.size) for way in ways], axis=0), np.float64)


def _beyond(accounts: Behaviour, groups: list[I64]) -> F64:
    """Nats by which each group is more level than accounts alike, of those that are near enough to one generator; f64[groups].

    Without a bound where nothing is to be paid for the search, or where no price is low enough.
    """
    offsets, members = offsets_of(groups), accounts.of(np.concatenate(groups))
    own = [one_generator(each, offsets) for each in members.lengths]
    generator = np.add.reduceat(own[0] + own[1], offsets[:-1])
    talk = np.add.reduceat(members.counts[:, _TURNS], offsets[:-1]) / np.add.reduceat(members.requests, offsets[:-1])
    beyond = beyond_alike(members.requests, members.days, offsets, LEAST)
    beyond[(talk >= _TALK) & (beyond >= 0.0)] = np.inf
    return np.where(generator > _STRAYED * np.diff(offsets), beyond, -np.inf)


def _worth(groups: list[I64], level: _Once, beyond: _Once, price: float) -> list[I64]:
    """Groups that are level enough, and their members near enough to one generator, for a full look.

    Args:
        groups: rows of each.
        level: nats by which a group is more level than everybody.
        beyond: nats by which it is more level than accounts alike.
        price: nats that it has to be: the log of how many it was chosen from.
    """
    groups = _chosen(groups, level(groups) > _WORTH)
    return _chosen(groups, beyond(groups) >= price)
