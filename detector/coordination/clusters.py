"""Clusters of a tick: links, communities, and the features of each."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detector.coordination.features import ClusterView, Population, cluster_frame
from detector.coordination.graph import communities, weigh
from detector.coordination.keys import extract
from detector.profiles.activity import active_counts, activity_bits
from detector.profiles.facts import AccountBook, Facts
from detector.profiles.features import View, frame_of
from detector.profiles.layout import COUNT, I32, I64, WINDOW_US
from detector.profiles.pool import Pooled
from detector.profiles.store import ProfileStore


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
    """Clusters of a tick, one row of `frame` each.

    Attributes:
        view: slots, offsets, pooled profiles and facts of the members.
        frame: all features, profile and cluster.
    """

    view: ClusterView
    frame: pl.DataFrame

    def members(self, row: int) -> I32:
        """Slots of one cluster."""
        return self.view.slots[self.view.offsets[row] : self.view.offsets[row + 1]]


def _youngest(facts: Facts, offsets: I64) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    out = np.full(offsets.size - 1, np.nan)
    for g in range(out.size):  # over clusters
        created = facts.created[offsets[g] : offsets[g + 1]]
        if not np.isnan(created).all():
            out[g] = np.nanmax(created)
    return out


def _launched(pooled: Pooled, bins: tuple[int, ...]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return pooled.models[:, list(bins)].sum(axis=1).astype(np.float64)


def active_slots(store: ProfileStore, now: int) -> I32:
    """Accounts with traffic within the window."""
    last = store.accounts.last[: len(store)]
    return np.flatnonzero(last > now - WINDOW_US).astype(np.int32)


def find_clusters(store: ProfileStore, book: AccountBook, moment: Moment) -> Clusters | None:
    """Propose clusters from the links of all active accounts and compute what each one does.

    Args:
        store: profiles.
        book: account facts, read as of the moment.
        moment: time and events so far.

    Returns:
        None where nothing is linked.
    """
    now = moment.now
    active = active_slots(store, now)
    facts = book.as_of(store.accounts.ident[active], now)
    links = weigh(extract(store.accounts, facts, active), active.size)
    groups = communities(links)
    if not groups:
        return None
    slots = np.concatenate(groups).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum([g.size for g in groups])]).astype(np.int64)
    pooled = store.pool(slots, offsets, now)
    view = ClusterView(
        slots=slots,
        offsets=offsets,
        pooled=pooled,
        each=store.pool(slots, np.arange(slots.size + 1, dtype=np.int64), now),
        facts=Facts(*(column[np.searchsorted(active, slots)] for column in facts)),
        links=links,
        bits=activity_bits(store.accounts, store.panes, slots, now),
        population=_population(store, active, facts, moment),
        launched=_launched(pooled, moment.launched),
        bans=moment.bans,
        now=now,
    )
    profile = frame_of(
        View(pooled, np.full(len(groups), now), _youngest(view.facts, offsets), moment.launched), moment.seen
    )
    return Clusters(view, pl.concat([profile, cluster_frame(view)], how="horizontal"))


def _population(store: ProfileStore, active: I32, facts: Facts, moment: Moment) -> Population:
    share = 0.0
    if moment.launched:
        pooled = store.pool(active, np.array([0, active.size], np.int64), moment.now)
        share = float(_launched(pooled, moment.launched)[0]) / max(1, int(pooled.counts[0, COUNT["requests"]]))
    created = facts.created[~np.isnan(facts.created)]
    return Population(
        size=active.size,
        created=np.sort(created),
        active=active_counts(store.panes, moment.now) / max(1, active.size),
        launch_share=share,
        first=np.sort(store.accounts.first[active]),
    )
