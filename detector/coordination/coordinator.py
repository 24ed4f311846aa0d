"""Looks at clusters: links kept up to date, communities of what changed, and which clusters are worth another look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, NamedTuple

import numpy as np

from detector.coordination.bands import bands
from detector.coordination.clusters import Clusters, Moment, Name, active_slots, describe
from detector.coordination.cores import cores
from detector.coordination.everybody import Everybody
from detector.coordination.features import Population
from detector.coordination.generations import generations
from detector.coordination.graph import Communities, Links, weigh
from detector.coordination.kin import KIN, Kin
from detector.coordination.lookalikes import ALIKE, Lookalikes
from detector.coordination.table import LinkTable
from detector.profiles.facts import AccountBook
from detector.profiles.layout import HOUR_US, I32, I64, Flags, offsets_of
from detector.profiles.store import ProfileStore

# A cluster is looked at again when its members or its requests changed by this share, or after so long. Its features are shares and
# rates over days: less than that moves none of them by more than it. Who joins in between shows the cluster's own text or waits.
GROWTH = 1.0 / 8.0
STALE_US = 6 * HOUR_US
_NOBODY = np.zeros(0, np.int32)


class LastLook(NamedTuple):
    """A cluster as it stood when it was looked at: its requests and members, and event time in µs."""

    requests: int
    members: int
    when: int


def outdated(before: Sequence[LastLook], requests: I64, members: I64, now: int) -> Flags:
    """Clusters that are worth another look, since so much has changed.

    Args:
        before: of each cluster.
        requests: i64[clusters], of its members.
        members: i64[clusters].
        now: event time, µs.
    """
    told = np.fromiter(chain.from_iterable(before), np.int64, 3 * len(before)).reshape(-1, 3)
    many, size, when = told[:, 0], told[:, 1], told[:, 2]
    more = (requests > (1.0 + GROWTH) * many) | (many > (1.0 + GROWTH) * requests)
    return more | (np.abs(members - size) > GROWTH * size) | (now - when >= STALE_US)


_NEVER: Final = LastLook(0, 0, -STALE_US)


@dataclass
class Coordinator:
    """The coordination stage with what it keeps between looks.

    Attributes:
        table: links of all accounts.
        seen: the latest look at each cluster, by its name.
        lookalikes: accounts that share nothing and act as one.
        kin: clusters that may be parts of larger pools.
        everybody: what clusters are compared with.
    """

    table: LinkTable = field(default_factory=LinkTable)
    seen: dict[Name, LastLook] = field(default_factory=dict)
    lookalikes: Lookalikes = field(default_factory=Lookalikes)
    kin: Kin = field(default_factory=Kin)
    everybody: Everybody = field(default_factory=Everybody)
    _communities: Communities = field(default_factory=Communities)

    def look(
        self, store: ProfileStore, book: AccountBook, moment: Moment, changed: I32, *, everything: bool = False
    ) -> Clusters | None:
        """The clusters that are worth a look, with all that each one does; None where there are none.

        Args:
            store: profiles.
            book: account facts, read as of the moment.
            moment: time and events so far.
            changed: i32[n], ascending; accounts with traffic since the last call.
            everything: look at all clusters, and find them anew.
        """
        active = self.table.refresh(store, book, changed, moment.now)
        links = weigh(self.table, len(store), active)
        if everything:
            self._communities = Communities()
        communities = self._communities.find(links, moment.now)
        population = self.everybody.at(store, self.table.created, moment, active, fresh=everything)
        alike = self.lookalikes.find(
            store, active_slots(store, moment.now), population.volumes, moment.now, everything=everything
        )
        held = cores(communities, links)
        prices = {(core.key, int(core.members[0])): core.price for core in held}
        found = [(0, group) for group in communities] + [(core.key, core.members) for core in held]
        found += bands(communities, links)
        found += generations(communities, store.accounts.first, store.accounts.last)
        found += [(ALIKE, group) for group in alike]
        groups, names = [group for _, group in found], [(key, int(group[0])) for key, group in found]
        met = self._meet(store, book, moment, groups, names, links, population, prices) if everything else None
        self.kin.keep(names)
        pools = self.kin.find((population.lengths_in, population.lengths_out), moment.now)
        texts = [text for _, text in pools]
        groups = [*groups, *(group for group, _ in pools)]
        names = [*names, *((KIN, int(group[0])) for group, _ in pools)]
        slots, offsets = np.concatenate([_NOBODY, *groups]), offsets_of(groups)
        due = self._due(self.table.requests[slots], offsets, names, moment.now, everything=everything)
        here = set(names)
        # A core that is not among the strongest for a while comes back as it was.
        self.seen = {
            name: look for name, look in self.seen.items() if name in here or moment.now - look.when < STALE_US
        }
        if not due:
            return None
        if met is not None and not pools:
            return met
        chosen, called = [groups[i] for i in due], [names[i] for i in due]
        first = len(groups) - len(pools)
        kin = [texts[i - first] for i in due if i >= first]
        clusters = describe(store, book, moment, chosen, links, population, called, prices, kin)
        self._learn(clusters)
        return clusters

    def _meet(
        self,
        store: ProfileStore,
        book: AccountBook,
        moment: Moment,
        groups: list[I32],
        names: list[Name],
        links: Links,
        population: Population,
        prices: Mapping[Name, float],
    ) -> Clusters | None:
        """All clusters that are not of several; what may be a part of a larger pool is learnt of them, from nothing."""
        self.kin = Kin()
        if not groups:
            return None
        clusters = describe(store, book, moment, groups, links, population, names, prices)
        self._learn(clusters)
        return clusters

    def _learn(self, clusters: Clusters) -> None:
        for name, part in zip(clusters.names, clusters.parts(), strict=True):
            self.kin.learn(name, part)

    def _due(self, requests: I64, offsets: I64, names: list[Name], now: int, *, everything: bool) -> list[int]:
        if not names:
            return []
        total, members = np.add.reduceat(requests, offsets[:-1]), np.diff(offsets)
        before = [self.seen.get(name, _NEVER) for name in names]  # over clusters
        due = np.flatnonzero(outdated(before, total, members, now) | everything)
        for i, count, size in zip(due.tolist(), total[due].tolist(), members[due].tolist(), strict=True):
            self.seen[names[i]] = LastLook(count, size, now)
        return due.tolist()


def find_clusters(store: ProfileStore, book: AccountBook, moment: Moment) -> Clusters | None:
    """All clusters at a moment, from nothing but the profiles; None where there are none."""
    return Coordinator().look(store, book, moment, active_slots(store, moment.now), everything=True)
