"""Looks at accounts that wait for their scores: pooled as they stood at their tick, scored together a little later.

A tick touches few accounts, and scoring a few rows costs nearly as much as scoring thousands. What a look sees is fixed when it is
taken; only the arithmetic waits, so that the result is that of scoring at once.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, TypeVar

import numpy as np
import polars as pl

from detector.coordination.clusters import Clusters, Moment, Name, frame_of_looks
from detector.profiles.facts import Facts
from detector.profiles.features import View, frame_of
from detector.profiles.features.base import joined
from detector.profiles.layout import I32, Columns
from detector.profiles.pool import Pooled
from detector.scoring.scorer import ACCOUNT, CLUSTER, Scored, Scorer


class Look(NamedTuple):
    """Accounts that changed since the tick before.

    Attributes:
        moment: of the tick.
        slots: i32[n].
        pooled: n rows, as they stood at the tick.
        facts: n rows, as of the tick.
        known: accounts known at the tick.
    """

    moment: Moment
    slots: I32
    pooled: Pooled
    facts: Facts
    known: int

    @property
    def view(self) -> View:
        """What features are made of."""
        now = np.full(self.slots.size, self.moment.now)
        return View(self.pooled, now, self.facts.created, self.moment.launched)


AnyLook = TypeVar("AnyLook", Look, Clusters)


class ClusterLook(NamedTuple):
    """Clusters that were worth a look at a tick.

    Attributes:
        clusters: as they stood; None where there were none.
        known: names of all clusters of late.
    """

    clusters: Clusters | None
    known: Collection[Name]


class Tick(NamedTuple):
    """What was looked at when a tick passed; clusters where it was their turn."""

    look: Look
    clusters: ClusterLook | None

    @property
    def rows(self) -> int:
        """Accounts and members that wait for their scores."""
        found = self.clusters.clusters if self.clusters else None
        return int(self.look.slots.size + (found.view.slots.size if found else 0))


class Taken(NamedTuple):
    """Exchanges `start:stop` of a batch, which may show a known cluster's indicator."""

    columns: Columns
    start: int
    stop: int
    frame: pl.DataFrame


def score(scorer: Scorer, looks: Sequence[Look]) -> Scored:
    """Scores of all rows of looks with the same launches and the same fields, in order."""
    return scorer.score(frame_of(joined([look.view for look in looks]), looks[0].moment.seen), ACCOUNT)


def score_clusters(scorer: Scorer, ticks: Sequence[Tick]) -> Iterator[Scored]:
    """Scores of the clusters of each tick that has some, in order."""
    for run in together([tick.clusters.clusters for tick in ticks if tick.clusters and tick.clusters.clusters]):
        scored, start = scorer.score(frame_of_looks(run), CLUSTER), 0
        for clusters in run:
            stop = start + len(clusters.names)
            yield scored.run(start, stop)
            start = stop


def together(looks: Sequence[AnyLook]) -> list[list[AnyLook]]:
    """Runs of looks that can be scored in one go."""
    return [list(run) for _, run in groupby(looks, lambda look: (look.moment.launched, look.moment.seen))]
