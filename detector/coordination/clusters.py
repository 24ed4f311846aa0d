"""Clusters of a look: who is in each, and its features."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from detector.coordination.features import OF_MEMBERS, ClusterView, Population, cluster_frame
from detector.coordination.graph import Links
from detector.coordination.keys import MIN_SIGHTS
from detector.coordination.lookalikes import ALIKE, LEAST
from detector.coordination.seen import carried
from detector.profiles.activity import activity_bits
from detector.profiles.facts import AccountBook, Facts
from detector.profiles.features import View, frame_of
from detector.profiles.layout import F64, I32, I64, WINDOW_US
from detector.profiles.pool import Pooled
from detector.profiles.store import ProfileStore

# A cluster from one look to the next: hash of the key that its members hold (0 for a community, `ALIKE` for lookalikes), and its
# first member.
Name = tuple[int, int]


@dataclass(frozen=True)
class Moment:
    """What is known beside the profiles at a tick.

    Attributes:
        now: event time, µs.
        launched: bins of models launched within three days.
        bans: event times of bans so far, µs.
        seen: fields with at least one value so far.
    """

    now: int
    launched: tuple[int, ...]
    bans: I64
    seen: frozenset[str]


@dataclass(frozen=True)
class Clusters:
    """Clusters of a look, one row of `frame` each.

    Attributes:
        names: of each, the same from one look to the next.
        view: slots, offsets, pooled profiles and facts of the members.
        moment: of the look.
    """

    names: Sequence[Name]
    view: ClusterView
    moment: Moment

    @cached_property
    def frame(self) -> pl.DataFrame:
        """All features, profile and cluster. Nothing of them changes after the look, so that who scores computes them."""
        view, moment = self.view, self.moment
        young, now = _youngest(view.facts, view.offsets), np.full(len(self.names), moment.now)
        profile = frame_of(View(view.pooled, now, young, moment.launched), moment.seen)
        return pl.concat([profile, cluster_frame(view)], how="horizontal")

    def members(self, row: int) -> I32:
        """Slots of one cluster."""
        return self.view.slots[self.view.offsets[row] : self.view.offsets[row + 1]]


def _youngest(facts: Facts, offsets: I64) -> F64:
    # fmax ignores what is unknown, and stays unknown where all is.
    return np.asarray(np.fmax.reduceat(facts.created, offsets[:-1]), np.float64)


def _launched(pooled: Pooled, bins: tuple[int, ...]) -> F64:
    return pooled.models[:, list(bins)].sum(axis=1).astype(np.float64)


def offsets_of(groups: Sequence[I32]) -> I64:
    """Where each group starts when all lie one after the other, and where the last one ends; i64[groups + 1]."""
    return np.concatenate([[0], np.cumsum([g.size for g in groups])]).astype(np.int64)


def active_slots(store: ProfileStore, now: int) -> I32:
    """Accounts with traffic within the window."""
    last = store.accounts.last[: len(store)]
    return np.flatnonzero(last > now - WINDOW_US).astype(np.int32)


def describe(
    store: ProfileStore,
    book: AccountBook,
    moment: Moment,
    groups: Sequence[I32],
    links: Links,
    population: Population,
    names: Sequence[Name],
) -> Clusters:
    """Gather what each cluster does.

    Args:
        store: profiles.
        book: account facts, read as of the moment.
        moment: time and events so far.
        groups: members of each cluster, at least one cluster.
        links: all of the look.
        population: what everybody does.
        names: of the clusters.
    """
    now = moment.now
    slots = np.concatenate(groups).astype(np.int32)
    offsets = offsets_of(groups)
    pooled = store.pool(slots, offsets, now)
    keys = [key for key, _ in names]
    alike = np.array([key == ALIKE for key in keys])
    view = ClusterView(
        slots=slots,
        offsets=offsets,
        pooled=pooled,
        each=store.each(slots, now, OF_MEMBERS),
        facts=book.as_of(store.accounts.ident[slots], now, store.organisations(slots)),
        links=links,
        bits=activity_bits(store.accounts, store.panes, slots, now),
        population=population,
        launched=_launched(pooled, moment.launched),
        bans=moment.bans,
        now=now,
        least=np.where(alike, LEAST, MIN_SIGHTS),
        share=carried(links, slots, offsets, keys, population.size),
        alike=alike,
    )
    return Clusters(names, view, moment)
