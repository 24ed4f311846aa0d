"""Clusters of a look: who is in each, and its features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from detector.coordination.bands import text_of
from detector.coordination.counted import HABITS
from detector.coordination.features import CLUSTER_FEATURES, OF_MEMBERS, ClusterView, Population, features_of
from detector.coordination.generations import EARLIER, LATER
from detector.coordination.graph import Links
from detector.coordination.keys import MIN_SIGHTS
from detector.coordination.kin import KIN, Part, several_payers
from detector.coordination.lookalikes import ALIKE, LEAST
from detector.coordination.seen import carried, carrying, texts_of
from detector.coordination.volumes import usual_part
from detector.profiles.activity import activity_bits
from detector.profiles.facts import AccountBook, Facts
from detector.profiles.features import View, frame_of
from detector.profiles.features.base import joined
from detector.profiles.layout import COUNT, F64, I32, I64, U64, WINDOW_US, offsets_of
from detector.profiles.pool import WIDE, Pooled, columns_of_groups
from detector.profiles.store import ProfileStore

# A cluster that strays further from one generator, belongs to fewer payers or repeats itself more is nobody's pool, and no part of
# one. Nor is one that is likelier of accounts alike, or one that talks: the users of agents are level by halves, and where many such
# halves are put together they look like a pool.
_STRAYING, _DISJOINT, _TALK = -3.0, 0.75, 0.75
_OF_PARTS = ("generator_evidence", "disjoint_coverage", "beyond_alike")
# A cluster from one look to the next: hash of the key that its members hold (0 for a community, `EARLIER` and `LATER` for its
# generations, `ALIKE` for lookalikes, `KIN` for several that are of one source), and its first member.
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
        texts: u64[members], hash of the text that holds each member's cluster together; 0 where that is none.
    """

    names: Sequence[Name]
    view: ClusterView
    moment: Moment
    texts: U64

    @cached_property
    def frame(self) -> pl.DataFrame:
        """All features, profile and cluster."""
        return frame_of_looks([self])

    @property
    def profiles(self) -> View:
        """Each cluster as if it were one account."""
        view, moment = self.view, self.moment
        young, now = _youngest(view.facts, view.offsets), np.full(len(self.names), moment.now)
        return View(view.pooled, now, young, moment.launched)

    def members(self, row: int) -> I32:
        """Slots of one cluster."""
        return self.view.slots[self.view.offsets[row] : self.view.offsets[row + 1]]

    def parts(self) -> list[Part | None]:
        """Each cluster as a possible part of a larger pool; None for one that can be no operator's."""
        view, level = self.view, features_of(self.view, ["level_rate"])["level_rate"]
        counts = view.pooled.counts
        habits = counts[:, [COUNT[habit] for habit in HABITS]] / np.maximum(counts[:, [COUNT["requests"]]], 1)
        talk = habits[:, HABITS.index("multi_turn")]
        may = np.flatnonzero((level > 0) & (talk < _TALK) & several_payers(view.payers, view.size))
        may = may[[self.names[g][0] != KIN for g in may.tolist()]]
        out: list[Part | None] = [None] * len(self.names)
        if may.size == 0:
            return out
        strays, apart, beyond = (of[may] for of in features_of(view, _OF_PARTS).values())
        for g in may[(strays > _STRAYING) & (apart > _DISJOINT) & (beyond > 0)].tolist():  # over level clusters
            part = slice(view.offsets[g], view.offsets[g + 1])
            lengths = view.pooled.lengths_in[g].copy(), view.pooled.lengths_out[g].copy()
            out[g] = Part(view.slots[part].copy(), self.texts[part].copy(), *lengths, habits[g].copy(), float(level[g]))
        return out


def frame_of_looks(looks: Sequence[Clusters]) -> pl.DataFrame:
    """All features, profile and cluster, of the clusters of looks with the same launches and the same fields, in order.

    Nothing of them changes after a look, so that who scores computes them; several looks take hardly longer than one.
    """
    profile = frame_of(joined([look.profiles for look in looks]), looks[0].moment.seen)
    each = [features_of(look.view) for look in looks]
    own = pl.DataFrame({name: np.concatenate([of[name] for of in each]) for name in CLUSTER_FEATURES})
    return pl.concat([profile, own], how="horizontal")


def _youngest(facts: Facts, offsets: I64) -> F64:
    # fmax ignores what is unknown, and stays unknown where all is.
    return np.asarray(np.fmax.reduceat(facts.created, offsets[:-1]), np.float64)


def _launched(pooled: Pooled, bins: tuple[int, ...]) -> F64:
    return pooled.models[:, list(bins)].sum(axis=1).astype(np.float64)


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
    prices: Mapping[Name, float],
    kin: Sequence[U64] = (),
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
        prices: nats that some of them have to show beyond others, since they were chosen among many.
        kin: u64[members] of each cluster at the end of the list that is of several parts, the text that each member is to carry.
    """
    now = moment.now
    slots = np.concatenate(groups).astype(np.int32)
    offsets = offsets_of(groups)
    alike, several = (np.array([key == kind for key, _ in names]) for kind in (ALIKE, KIN))
    # What is of several parts, or a part of a community, is held together as a community is, by any of its keys.
    keys = [0 if key in (KIN, EARLIER, LATER) else text_of(key) for key, _ in names]
    each = store.each(slots, now, OF_MEMBERS)
    pooled = store.pool(slots, offsets, now, [name for name in WIDE if name not in OF_MEMBERS])
    # What was added up by member needs no second way through the panes.
    pooled = pooled._replace(**columns_of_groups(each, offsets, OF_MEMBERS))
    texts = texts_of(links, slots, offsets, keys)
    if kin:
        texts[texts.size - sum(t.size for t in kin) :] = np.concatenate(kin)
    share = carrying(links, slots, texts, population.size)
    view = ClusterView(
        slots=slots,
        offsets=offsets,
        pooled=pooled,
        each=each,
        facts=book.as_of(store.accounts.ident[slots], now, store.organisations(slots)),
        links=links,
        bits=activity_bits(store.accounts, store.panes, slots, now),
        population=population,
        launched=_launched(pooled, moment.launched),
        bans=moment.bans,
        now=now,
        least=np.where(alike, LEAST, MIN_SIGHTS),
        share=np.where(
            several,
            usual_part(share, offsets),
            carried(links, slots, offsets, keys, population.size),
        ),
        carrying=share * each.counts[:, COUNT["requests"]],
        alike=alike,
        several=several,
        price=np.array([prices.get(name, 0.0) for name in names]),
    )
    return Clusters(names, view, moment, texts)
