"""The engine loop: batches in, ticks at moments of event time, cases out to the alert book. One pure path for replay and stream."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import polars as pl

from detector.alerts.allowance import Allowance, Rescored, apply
from detector.alerts.book import AlertBook, Placed, moved_by
from detector.alerts.entry import INDICATED, Entry
from detector.alerts.model import ACTIONABLE, SEVERITIES, Advice, Case, Member
from detector.alerts.quota import TierUsage
from detector.alerts.recommendations import recommend
from detector.coordination.behaviour import requests_of_each
from detector.coordination.clusters import Clusters, Moment, Name, active_slots
from detector.coordination.coordinator import Coordinator, find_clusters
from detector.profiles.capability import CapabilityModel
from detector.profiles.columns import Digest, Keys, digest, place
from detector.profiles.events import EventTracker
from detector.profiles.facts import AccountBook
from detector.profiles.layout import F64, HOUR_US, I32, I64, Columns, grown
from detector.profiles.store import ProfileStore
from detector.scoring.scorer import ACCOUNT, CLUSTER, Scored, Scorer
from detector.scoring.severity import NONE, severities
from detector.service.cases import account_cases, cluster_cases, covered
from detector.service.culprits import Culprits
from detector.service.current import bring_up_to_date
from detector.service.indicators import Indicators
from detector.service.looks import ClusterLook, Look, Taken, Tick, score, score_clusters, together
from detector.service.reasons import rescore
from detector.service.references import References
from detector.service.skeletons import SkeletonBank, owners_of
from detector.service.strangers import Strangers
from detector.service.ticks import Clock
from detector.service.told import Told
from detector.service.usage import Used, tier_usage, used

_USAGE_US = 6 * HOUR_US  # quotas change slowly; measuring them reads every account
_GROWTH = 1.0 / 16.0  # of an account's requests: what it does are shares and rates over days, which less does not move
_NOBODY = np.zeros(0, np.int32), np.zeros(0, np.int64)
_MOST_WAITING = 50_000  # accounts and members, some kilobytes each
Waiting = Tick | Taken | Used
_JOINER = 0.9  # membership of an account that shows a cluster's own text, until the next look at clusters


@dataclass
class Engine:
    """Profiles, coordination, scores and alerts over a stream of batches.

    Attributes:
        scorer: rules and reference.
        model: capability model.
        keys: secrets of the keyed hashes.
        accounts: account facts.
        events: launches and bans.
        allowances: by account id.
        alerts: the alert book.
        clock: when to look.
        store: profiles.
        seen: fields with at least one value so far.
        clusters: of the latest look, with their scores.
        now: event time of the latest record, µs.
        advised: every recommendation in the order in which they were made, where somebody wants them.
    """

    scorer: Scorer
    model: CapabilityModel
    keys: Keys
    accounts: AccountBook
    events: EventTracker
    allowances: Mapping[str, Sequence[Allowance]] = field(default_factory=dict)
    alerts: AlertBook = field(default_factory=AlertBook)
    clock: Clock = field(default_factory=Clock)
    store: ProfileStore = field(default_factory=ProfileStore)
    seen: set[str] = field(default_factory=set)
    clusters: tuple[Clusters, Scored] | None = None
    coordinator: Coordinator = field(default_factory=Coordinator)
    skeletons: SkeletonBank = field(default_factory=SkeletonBank)
    indicators: Indicators = field(default_factory=Indicators)
    culprits: Culprits = field(default_factory=Culprits)
    references: References = field(default_factory=References)
    strangers: Strangers = field(default_factory=Strangers)
    now: int = 0
    advised: list[Advice] | None = None
    _p_values: F64 = field(default_factory=lambda: np.ones(0))
    _changed: list[I32] = field(default_factory=list)
    _touched: list[I32] = field(default_factory=list)
    _waiting: list[Waiting] = field(default_factory=list)
    _rows: int = 0
    _told_together: Told = field(default_factory=Told)
    _told_alone: Told = field(default_factory=Told)
    _fresh: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    _cluster_p: dict[Name, float] = field(default_factory=dict)
    _population: int = 0
    _pending: Future[None] | None = None
    _behind: Executor | None = None
    _usage: TierUsage = field(default_factory=TierUsage)
    _usage_at: int = -_USAGE_US

    def digest(self, frame: pl.DataFrame) -> Digest:
        """What a batch comes down to before any state is read; may run in another thread."""
        return digest(frame, self.model, self.keys)

    def process(
        self,
        frame: pl.DataFrame,
        digested: Digest | None = None,
        fields: Collection[str] | None = None,
        behind: Executor | None = None,
    ) -> None:
        """Take in a batch in time order and look at every tick that it passes.

        Args:
            frame: exchanges in the canonical schema, sorted by `ts`; with `digested`, columns of text may be missing.
            digested: of the same frame, where it was made ahead.
            fields: those with at least one value, where columns are missing.
            behind: of one thread, which scores and alerts while the next batch is taken in; `wait` for it before anything else is
                read off the engine.
        """
        if frame.height == 0:
            return
        self._behind = behind
        self._note_fields(frame, fields)
        columns = place(digested or self.digest(frame), frame["account_id"], self.store)
        self.events.observe(frame)
        self.clock.start(int(columns.ts[0]))
        start, n = 0, columns.ts.shape[0]
        while start < n:
            # Records later than the tick that they belong to count in the tick at hand.
            stop = max(start, int(np.searchsorted(columns.ts, self.clock.next, side="left")))
            self._take(columns, start, stop, frame)
            if stop < n:
                self.tick(self.clock.next)
                self.clock.advance(int(columns.ts[stop]))
            start = stop
        self._hand_over(partial(self._close, *self._drained_waiting(), frame, columns, self.now))
        self._behind = None

    def _hand_over(self, work: Callable[[], None]) -> None:
        """Have work done after what was handed over before: in the other thread where there is one."""
        self.wait()
        if self._behind is None:
            work()
        else:
            self._pending = self._behind.submit(work)

    @property
    def p_values(self) -> F64:
        """The latest of each account; 1 where it has none."""
        return self._p_values[: len(self.store)]

    def wait(self) -> None:
        """Let what was given to another thread come to its end."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def _close(
        self, waiting: Sequence[Waiting], population: int, frame: pl.DataFrame, columns: Columns, now: int
    ) -> None:
        """The end of a batch: reads nothing that the next batch changes."""
        self._settle(waiting, population)
        if self.skeletons.wanted and self.skeletons.has_texts(frame):
            self.skeletons.look(frame, columns, owners_of(self.accounts, self.store, columns, now))

    def finish(self) -> None:
        """The end of a log: ticks as ever, to the next look at clusters, and the latest figures of what was told.

        No alert knows that the log ends: one that is cut at a tick says up to it what the whole log says.
        """
        if not self.now:
            return
        coordinated = False
        while not coordinated:
            now = self.clock.next
            coordinated = self.clock.coordinates(now)
            self.tick(now)
            self.clock.advance(now)
        self.settle()
        bring_up_to_date(self.alerts, self.store, self.skeletons, now, joiners=True)
        self.references.tell(self.alerts.live())

    def survey(self) -> None:
        """All clusters that there are by now, found from nothing, with their scores: for those who read clusters, not alerts."""
        moment = self.moment(self.now + 1)
        found = find_clusters(self.store, self.accounts, moment)
        tick = Tick(self.look(_NOBODY[0], moment), ClusterLook(found, frozenset()))
        self.clusters = None if found is None else (found, next(score_clusters(self.scorer, [tick])))

    def _note_fields(self, frame: pl.DataFrame, fields: Collection[str] | None) -> None:
        if len(self.accounts) and "created_at" not in self.seen:
            self.seen.add("created_at")
        if fields is None:
            new = (name for name in frame.columns if name not in self.seen)
            fields = [name for name in new if frame[name].null_count() < frame.height]
        self.seen.update(fields)

    def _take(self, columns: Columns, start: int, stop: int, frame: pl.DataFrame) -> None:
        if stop <= start:
            return
        self.store.add(columns, start, stop)
        self._changed.append(columns.slot[start:stop])
        self._waiting.append(Taken(columns, start, stop, frame))
        self.now = max(self.now, int(columns.ts[stop - 1]))

    def tick(self, now: int) -> None:
        """Look at the accounts that changed, and at clusters when it is their turn.

        Args:
            now: event time, µs; nothing later has been taken in.
        """
        self.store.expire(now)
        moment = self.moment(now)
        counts = np.unique(np.concatenate(self._changed), return_counts=True) if self._changed else _NOBODY
        self._changed.clear()
        changed = counts[0].astype(np.int32)
        if now - self._usage_at >= _USAGE_US:
            self._usage_at = now
            self.settle()
            bring_up_to_date(self.alerts, self.store, self.skeletons, now)
            self.references.tell(self.alerts.live())
            self._waiting.append(used(self.store, self.accounts, active_slots(self.store, now), now))
        look = self.look(self._grown(changed, counts[1], now), moment)
        self._touched.append(changed)
        clusters = self._look_at_clusters(moment) if self.clock.coordinates(now) else None
        self._waiting.append(tick := Tick(look, clusters))
        self._rows += tick.rows
        if self._rows > _MOST_WAITING:
            self._hand_over(partial(self._settle, *self._drained_waiting()))

    def _grown(self, slots: I32, more: I64, now: int) -> I32:
        """Accounts that are worth another look: with `_GROWTH` of their requests since the last one; slots ascending."""
        self._fresh = grown(self._fresh, len(self.store), 0)
        self._fresh[slots] += more
        slots = slots[self._fresh[slots] >= _GROWTH * requests_of_each(self.store, slots, now)]
        self._fresh[slots] = 0
        return slots

    def moment(self, now: int) -> Moment:
        """What is known beside the profiles at `now` (µs)."""
        return Moment(now, self.events.launched(now), self.events.bans(now), frozenset(self.seen))

    def look(self, slots: I32, moment: Moment) -> Look:
        """Accounts as they stand at a moment."""
        facts = self.accounts.as_of(self.store.accounts.ident[slots], moment.now, self.store.organisations(slots))
        return Look(moment, slots, self.store.each(slots, moment.now), facts, len(self.store))

    def settle(self) -> None:
        """Score what waits, and take it in in the order in which it came: as if each had been scored when it was looked at."""
        self.wait()
        self._settle(*self._drained_waiting())

    def _drained_waiting(self) -> tuple[list[Waiting], int]:
        """What waits, which nobody else has then, and the accounts known by now."""
        waiting, self._waiting, self._rows = self._waiting, [], 0
        return waiting, len(self.store)

    def _settle(self, waiting: Sequence[Waiting], population: int) -> None:
        self._population = population
        ticks = [item for item in waiting if isinstance(item, Tick)]
        cases = self._account_cases([tick.look for tick in ticks])
        scored = score_clusters(self.scorer, ticks)
        uncounted: list[Taken] = []
        for item in waiting:
            if isinstance(item, Taken):
                self._join(item)
                uncounted.append(item)
                continue
            if isinstance(item, Used):
                self._usage = self._tier_usage(item)
                continue
            found: list[tuple[Case, I32]] = []
            if item.clusters:
                self._count(uncounted)
                uncounted.clear()
                found = self._cluster_cases(item.look, item.clusters, scored)
            members = {id(case): slots for case, slots in found}
            self._alert(item.look.moment.now, next(cases) + [case for case, _ in found], members)
            if item.clusters:
                self._blame(item.look.moment.now)
        self._count(uncounted)

    def _count(self, taken: Sequence[Taken]) -> None:
        self.culprits.count(taken)
        self.references.note(taken, self.culprits.carrying)

    def _blame(self, now: int) -> None:
        """Name the keys and end users that turned out to be what a cluster's member is a victim of."""
        for alert_id, slot, named in self.culprits.news(self.alerts.acts, now):
            for entry in self.alerts.blame(now, alert_id, self.store.ids[slot], named):
                self._advise(now, entry)

    def _join(self, taken: Taken) -> None:
        """Name the accounts that show a known cluster's indicator, and bind those that go on showing it."""
        for slot, ts, alert_id in self.indicators.matches(taken.columns, taken.start, taken.stop):
            member = Member(self.store.ids[slot], _JOINER, "peripheral", 1, 0, INDICATED)
            joined = self.alerts.join(ts, alert_id, member)
            entry = self.alerts.find(alert_id)
            if joined:
                self._advise(ts, entry)
                self.references.watch(np.array([slot], np.int32), ts)
            if not entry.joining(member.account_id):
                self.indicators.members[alert_id].add(slot)

    def _account_cases(self, looks: Sequence[Look]) -> Iterator[list[Case]]:
        for run in together(looks):
            scored, start = score(self.scorer, run), 0
            for look in run:
                stop = start + look.slots.size
                p_value = self.strangers.judge(self.scorer, scored, look.slots, look.known, start)
                level = self._account_levels(look, p_value)
                self.references.watch(look.slots[level != NONE], look.moment.now)
                level[self._told_alone.each(look.slots, level, look.moment.now, look.known)] = NONE
                yield account_cases(self.store, self.accounts, self.scorer, scored, start, look, level)
                start = stop

    def _account_levels(self, look: Look, p_value: F64) -> I64:
        n = look.known
        self._p_values = grown(self._p_values, n, 1.0)
        self._p_values[look.slots] = p_value
        known = self._p_values[:n]
        return severities(p_value, known[known < 1.0], n)

    def propose(self, moment: Moment) -> Clusters | None:
        """Clusters that are worth a look; the accounts touched since the last one are taken in."""
        touched = np.unique(np.concatenate(self._touched)) if self._touched else _NOBODY[0]
        self._touched.clear()
        return self.coordinator.look(self.store, self.accounts, moment, touched)

    def _look_at_clusters(self, moment: Moment) -> ClusterLook:
        return ClusterLook(self.propose(moment), frozenset(self.coordinator.seen))

    def _cluster_cases(self, look: Look, found: ClusterLook, scored: Iterator[Scored]) -> list[tuple[Case, I32]]:
        """Cases of the clusters of a tick, with their members."""
        clusters, known = found
        self._cluster_p = {name: p for name, p in self._cluster_p.items() if name in known}
        if clusters is None:
            return []
        self.clusters = clusters, next(scored)
        p_value = self.clusters[1].p_value
        self._cluster_p.update(zip(clusters.names, p_value.tolist(), strict=True))
        everyone = np.array(list(self._cluster_p.values()))
        level = severities(p_value, everyone[everyone < 1.0], everyone.size)
        level[covered(clusters, self.clusters[1].score, level)] = NONE
        alerted = ((g, clusters.members(g), int(level[g])) for g in np.flatnonzero(level != NONE).tolist())
        level[self._told_together.groups(alerted, look.moment.now, look.known)] = NONE
        return cluster_cases(self.store, self.accounts, self.scorer, self.clusters, level, self.skeletons)

    def _alert(self, now: int, cases: list[Case], slots: Mapping[int, I32]) -> None:
        """Allowances, then the book, then what an actionable alert teaches and recommends."""
        left: list[Case] = []
        members: dict[frozenset[str], I32] = {}
        for case in cases:
            allowed = apply(case, now, self.allowances, self._rescore)
            if allowed is not None:
                left.append(allowed)
                if id(case) in slots:
                    members[allowed.accounts] = slots[id(case)]
        placed = self.alerts.placed(now, left) if left else []
        self._learn(placed, members)  # first: who is in doubt is not bound
        self.references.tell(entry for _, entry, _ in placed)
        for entry in moved_by(placed):
            self._advise(now, entry)

    def _advise(self, now: int, entry: Entry) -> None:
        tiers_of, culprit = self.accounts.tiers_of, entry.subject
        made = recommend(entry.id, entry.case, entry.level, entry.bound, now, self._usage, tiers_of, culprit=culprit)
        entry.recommendation = made
        if self.advised is not None:
            self.advised.append(Advice(SEVERITIES[entry.level], tuple(entry.supersedes), made))

    def _rescore(self, kind: str, codes: Sequence[str]) -> Rescored:
        left = rescore(self.scorer, CLUSTER if kind == "cluster" else ACCOUNT, list(codes))
        known = self._p_values[: self._population]
        everyone = np.append(known[known < 1.0], left.p_value)
        level = int(severities(np.array([left.p_value]), everyone, self._population)[0])
        return left if level == NONE or left.score <= 0 else left._replace(severity=SEVERITIES[level])

    def _learn(self, placed: Sequence[Placed], members: Mapping[frozenset[str], I32]) -> None:
        if self.clusters is None:
            return
        view = self.clusters[0].view
        found = [(case, entry.id, members[case.accounts]) for case, entry, _ in placed if case.accounts in members]
        acted_on = [(alert_id, slots) for case, alert_id, slots in found if case.level >= ACTIONABLE]
        if acted_on:
            self.indicators.learn(acted_on, view.links)
        for _, alert_id, slots in found:
            self.references.watch(slots, view.now)
            doubted = self.culprits.learn(alert_id, slots, view)
            self.alerts.doubt(alert_id, [self.store.ids[slot] for slot in doubted])

    def _tier_usage(self, use: Used) -> TierUsage:
        named = {a for e in self.alerts.live() for a in e.named}
        quiet = np.array([self.store.ids[s] not in named for s in use.slots.tolist()], np.bool_)  # a few times a day
        return tier_usage(use, quiet, self.accounts.tiers)
