"""The engine loop: batches in, ticks at moments of event time, cases out to the alert book. One pure path for replay and stream."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from detector.alerts.book import AlertBook
from detector.coordination.clusters import Clusters, Moment, active_slots, find_clusters
from detector.profiles.capability import CapabilityModel
from detector.profiles.columns import Keys, prepare
from detector.profiles.events import EventTracker
from detector.profiles.facts import AccountBook
from detector.profiles.features import View, frame_of
from detector.profiles.layout import F64, I32, I64, Columns
from detector.profiles.store import ProfileStore
from detector.scoring.scorer import ACCOUNT, CLUSTER, Scored, Scorer
from detector.scoring.severity import NONE, severities
from detector.service.cases import account_cases, cluster_cases
from detector.service.indicators import Indicators
from detector.service.skeletons import SkeletonBank
from detector.service.ticks import Clock
from detector.service.usage import tier_usage

_ACTIONABLE = ("high", "critical")


@dataclass
class Engine:
    """Profiles, coordination, scores and alerts over a stream of batches.

    Attributes:
        scorer: rules and reference.
        model: capability model.
        keys: secrets of the keyed hashes.
        accounts: account facts.
        events: launches and bans.
        alerts: the alert book.
        clock: when to look.
        store: profiles.
        seen: fields with at least one value so far.
        score, p_value: f64[slots], the latest of each account.
        clusters: of the latest coordination tick, with their scores.
    """

    scorer: Scorer
    model: CapabilityModel
    keys: Keys
    accounts: AccountBook
    events: EventTracker
    alerts: AlertBook
    clock: Clock = field(default_factory=Clock)
    store: ProfileStore = field(default_factory=ProfileStore)
    seen: set[str] = field(default_factory=set)
    score: F64 = field(default_factory=lambda: np.zeros(0))
    p_value: F64 = field(default_factory=lambda: np.ones(0))
    clusters: tuple[Clusters, Scored] | None = None
    skeletons: SkeletonBank = field(default_factory=SkeletonBank)
    indicators: Indicators = field(default_factory=Indicators)
    now: int = 0

    def process(self, frame: pl.DataFrame) -> None:
        """Take in a batch in time order and look at every tick that it passes."""
        if frame.height == 0:
            return
        self._note_fields(frame)
        columns = prepare(frame, self.store, self.model, self.keys)
        self.clock.start(int(columns.ts[0]))
        start, n = 0, columns.ts.shape[0]
        while start < n:
            stop = (
                int(np.searchsorted(columns.ts, self.clock.next, side="left"))
                if columns.ts[-1] >= self.clock.next
                else n
            )
            # Records later than the tick that they belong to count in the tick at hand.
            stop = max(stop, start)
            self._take(frame, columns, start, stop)
            if stop < n:
                self.tick(self.clock.next)
                self.clock.advance(int(columns.ts[stop]))
            start = stop
        self.skeletons.look(frame, columns, self._owners(columns.slot))

    def _take(self, frame: pl.DataFrame, columns: Columns, start: int, stop: int) -> None:
        if stop <= start:
            return
        self.store.add(columns, start, stop)
        self._changed.append(columns.slot[start:stop])
        self.events.observe(frame.slice(start, stop - start))
        for slot, ts, alert_id in self.indicators.matches(columns, start, stop):
            self.alerts.join(ts, alert_id, self.store.ids[slot])
        self.now = max(self.now, int(columns.ts[stop - 1]))
