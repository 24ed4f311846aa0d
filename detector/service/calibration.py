"""Measures a benign reference on traffic that is taken to be benign: feature quantiles first, then the scores that they give."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from detector.alerts.model import Case
from detector.coordination.clusters import active_slots
from detector.coordination.coordinator import find_clusters
from detector.profiles.layout import F64, HOUR_US, I32, grown
from detector.scoring.anomaly.model import AnomalyModel, strata_of
from detector.scoring.anomaly.week import Week, week_of
from detector.scoring.reference import Null, Reference, measure, null_of, stratum_of
from detector.scoring.rules import Rule
from detector.scoring.rules.evaluate import RuleSet, rules_of
from detector.scoring.scorer import ACCOUNT, CLUSTER, Scored, Scorer
from detector.service.engine import Engine
from detector.service.looks import ClusterLook, Look, score, together

_SNAPSHOT_US = {ACCOUNT: 12 * HOUR_US, CLUSTER: 2 * HOUR_US}
_WARM_US = 6 * HOUR_US  # the first hours of a log look like nothing else

Batches = Callable[[], Iterable[pl.DataFrame]]
MakeEngine = Callable[[type[Engine], Scorer], Engine]


def scorer_of(rules: list[Rule], reference: Reference, anomaly: AnomalyModel | None = None) -> Scorer:
    """Rules of both categories against a reference, and a model of strange accounts."""
    account, cluster = (RuleSet(rules_of(rules, category), reference) for category in (ACCOUNT, CLUSTER))
    return Scorer(account, cluster, reference, anomaly)


@dataclass
class Snapshots(Engine):
    """An engine that keeps features.

    Attributes:
        alerting: whether it looks, scores and alerts beside; else it scores nothing.
        frames: features of accounts and of clusters at some ticks, by category; `entity` is the slot of the account, or of the first
            member of the cluster.
        members: slots of the clusters of each frame of theirs.
        began: event time of the first tick, µs.
    """

    alerting: bool = False
    frames: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: {ACCOUNT: [], CLUSTER: []})
    members: list[I32] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    began: int = 0

    def tick(self, now: int) -> None:
        """Look, where that is wanted, and take a snapshot, where one is due."""
        if self.alerting:
            super().tick(now)
        else:
            self.store.expire(now)
            self._changed.clear()
        self.began = self.began or now
        moment = self.moment(now)
        if self._due(ACCOUNT, now):
            look = self.look(active_slots(self.store, now), moment)
            found = score(self.scorer, [look]).frame
            self.frames[ACCOUNT].append(found.with_columns(pl.Series("entity", look.slots)))
        if self._due(CLUSTER, now) and (clusters := find_clusters(self.store, self.accounts, moment)) is not None:
            members = [clusters.members(g) for g in range(clusters.frame.height)]
            first = pl.Series("entity", [int(m.min()) for m in members], pl.Int32)
            self.frames[CLUSTER].append(clusters.frame.with_columns(stratum_of(clusters.frame), first))
            self.members += members

    def _due(self, category: str, now: int) -> bool:
        if now - self.began < _WARM_US or now - self.taken.get(category, 0) < _SNAPSHOT_US[category]:
            return False
        self.taken[category] = now
        return True


@dataclass
class Highest(Engine):
    """An engine that keeps each entity's highest score and alerts nobody.

    Attributes:
        accounts_high: f64[accounts or more].
        clusters_high: by first member, the highest score and the members by then.
        strangest: by stratum, f64[accounts or more], the anomaly model's highest score of each account while it was of that stratum.
    """

    accounts_high: F64 = field(default_factory=lambda: np.zeros(0))
    clusters_high: dict[int, tuple[float, I32]] = field(default_factory=dict)
    strangest: dict[str, F64] = field(default_factory=dict)

    def _account_cases(self, looks: Sequence[Look]) -> Iterator[list[Case]]:
        self.accounts_high = grown(self.accounts_high, len(self.store), 0.0)
        for run in together(looks):
            slots = np.concatenate([look.slots for look in run])
            scored = score(self.scorer, run)
            np.maximum.at(self.accounts_high, slots, scored.score)
            if self.scorer.anomaly is not None:
                self._note_strangest(slots, scored)
        return iter([[] for _ in looks])

    def _note_strangest(self, slots: I32, scored: Scored) -> None:
        strata = strata_of(scored.frame)
        for name in np.unique(strata.astype(str)):
            rows = strata == name
            high = grown(self.strangest.get(name, np.zeros(0)), len(self.store), -np.inf)
            np.maximum.at(high, slots[rows], scored.strangeness[rows])
            self.strangest[str(name)] = high

    def weeks(self, days: float) -> dict[str, Week]:
        """How strange accounts are in their strangest moment, by stratum.

        Args:
            days: length of the log.
        """
        return {name: week_of(high[np.isfinite(high)], days) for name, high in sorted(self.strangest.items())}

    def _cluster_cases(self, look: Look, found: ClusterLook, scored: Iterator[Scored]) -> list[tuple[Case, I32]]:  # noqa: ARG002 - the same call as an engine's
        if found.clusters is not None:
            for g, s in enumerate(next(scored).score):  # over clusters
                members = found.clusters.members(g)
                first = int(members.min())
                if first not in self.clusters_high or s > self.clusters_high[first][0]:
                    self.clusters_high[first] = float(s), members
        return []


def measure_reference(
    rules: list[Rule], batches: Batches, make: MakeEngine, made_from: str, say: Callable[[str], None] = lambda _: None
) -> Reference:
    """A reference from two passes over benign traffic.

    Args:
        rules: whose scores make the null.
        batches: gives the traffic, each time anew.
        make: an engine of the given class with the given scorer.
        made_from: description for the reference.
        say: progress.
    """
    blank = Reference(made_from, {}, {}, {c: Null(1, [0.0], 1.0) for c in (ACCOUNT, CLUSTER)})
    snapshots = make(Snapshots, scorer_of(rules, blank))
    run(snapshots, batches)
    if not isinstance(snapshots, Snapshots):
        raise TypeError("the engine is of another class")
    measured = {c: measure(pl.concat(frames).drop("entity")) for c, frames in snapshots.frames.items() if frames}
    counts, quantiles = {c: m[0] for c, m in measured.items()}, {c: m[1] for c, m in measured.items()}
    say(f"quantiles of {', '.join(f'{c}: {n}' for c, n in counts.items())}")
    half = Reference(made_from, counts, quantiles, blank.null)
    highest = make(Highest, scorer_of(rules, half))
    run(highest, batches)
    if not isinstance(highest, Highest):
        raise TypeError("the engine is of another class")
    null = {
        ACCOUNT: null_of(highest.accounts_high[: len(highest.store)]),
        CLUSTER: null_of(np.array([high for high, _ in highest.clusters_high.values()] or [0.0])),
    }
    return Reference(made_from, counts, quantiles, null)


def run(engine: Engine, batches: Batches) -> None:
    """Take in all of the traffic, to the last tick."""
    for frame in batches():
        engine.process(frame)
    engine.finish()
