"""Asks every method about a world, sets thresholds from a budget, and counts what it named."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import TypeVar

import msgspec
import polars as pl

from benchmarks.detection.base import Detections, Learner, Namer, Peer, Ranker
from benchmarks.detection.worlds import World
from detector.evaluation.evaluate import evaluate
from detector.evaluation.inputs import Alert, Traffic, Truth, read_truth
from detector.evaluation.log import RequestLog
from detector.evaluation.population import Population, populate
from detector.evaluation.tree import kind_of

T = TypeVar("T")

LEAST_SHARE = 0.002
"""Of the active accounts: what a method may name at least, where Revenuer names fewer."""


class Row(msgspec.Struct, frozen=True):
    """A line of the table; `evaluate --json` has the same names.

    Attributes:
        world: the world.
        method: the method.
        flagged: accounts named.
        account_precision: hostile share of them.
        account_recall: named share of the hostile; None in a world without any.
        campaigns_found: campaigns with at least half of their accounts named.
        campaigns: campaigns that there are.
        benign_flagged_share: named share of the benign.
        leak: share of attack exchanges before their account was named; None where a method judges only whole logs.
        exchanges_per_s: of the log, from its file to names, by the clock.
        exchanges_per_cpu_s: the same by the processor's time.
        per_campaign: recall by campaign.
    """

    world: str
    method: str
    flagged: int
    account_precision: float
    account_recall: float | None
    campaigns_found: int
    campaigns: int
    benign_flagged_share: float
    leak: float | None
    exchanges_per_s: float
    exchanges_per_cpu_s: float
    per_campaign: dict[str, float]


class Bench:
    """A world that methods are asked about.

    Args:
        world: the world.

    Attributes:
        budget: accounts that a method without a threshold of its own may name.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        log = RequestLog(world.case.requests)
        self.exchanges = int(log.frame("account_id").select(pl.len()).collect().item())
        self.traffic: Traffic = log.traffic()
        self.truth: Truth = read_truth(world.truth)
        self.population: Population = populate(self.truth, self.traffic, [])
        self.budget = self._least()

    def _least(self) -> int:
        return max(1, round(LEAST_SHARE * len(self.population.active)))

    def spend(self, named: int) -> None:
        """Let every method name as many accounts as Revenuer did, at least `LEAST_SHARE`."""
        self.budget = max(self._least(), named)

    def rows(self, peer: Peer) -> Iterator[Row]:
        """The rows of a method."""
        if isinstance(peer, Namer):
            named, seconds = timed(lambda: peer.name(self.world.case))
            for label, detected in named.items():
                yield self._row(label, detected, seconds)
        elif isinstance(peer, Ranker):
            yield from self._ranked(peer)
        else:
            yield from self._learnt(peer)

    def _ranked(self, peer: Ranker) -> Iterator[Row]:
        prepared, before = timed(lambda: peer.prepare(self.world.case))
        folds = self._folds() if peer.fitted else {"": frozenset[str]()}
        asked = {kind: timed(partial(peer.rank, prepared, out)) for kind, out in folds.items()}
        after = next(iter(asked.values()))[1]
        seconds = before[0] + after[0], before[1] + after[1]
        ranks = {kind: answer for kind, (answer, _) in asked.items()}
        by_budget = {kind: most_suspicious(rank, self.budget) for kind, rank in ranks.items()}
        yield self._row(peer.label, self._together(by_budget, folds), seconds)
        if peer.own is not None:
            by_own = {kind: first_past(rank, peer.own) for kind, rank in ranks.items()}
            yield self._row(f"{peer.label}, own threshold", self._together(by_own, folds), seconds)

    def _folds(self) -> dict[str, frozenset[str]]:
        """By kind of campaign, the accounts that are left out."""
        out: dict[str, frozenset[str]] = defaultdict(frozenset)
        for name, accounts in self.population.campaigns.items():
            out[kind_of(name)] |= accounts
        return dict(out) or {"": frozenset()}

    def _together(self, named: Mapping[str, Detections], folds: dict[str, frozenset[str]]) -> Detections:
        """Each hostile account as judged without its kind, each benign one as judged most often."""
        if len(named) == 1:
            return next(iter(named.values()))
        out = {account: when[account] for kind, when in named.items() for account in folds[kind] & when.keys()}
        times: dict[str, list[float]] = defaultdict(list)
        for when in named.values():
            for account in when.keys() & self.population.benign:
                times[account].append(when[account])
        return out | {account: min(at) for account, at in times.items() if 2 * len(at) >= len(named)}

    def _learnt(self, peer: Learner) -> Iterator[Row]:
        figures, seconds = timed(lambda: peer.figures(self.world.case, self.population))
        if figures is None:
            return
        hostile, benign = len(self.population.hostile), len(self.population.benign)
        yield Row(
            world=self.world.case.name,
            method=peer.label,
            flagged=round(figures.account_recall * hostile + figures.benign_flagged_share * benign),
            account_precision=figures.account_precision,
            account_recall=figures.account_recall,
            campaigns_found=figures.campaigns_found,
            campaigns=len(self.population.campaigns),
            benign_flagged_share=figures.benign_flagged_share,
            leak=None,
            exchanges_per_s=self.exchanges / seconds[0],
            exchanges_per_cpu_s=self.exchanges / seconds[1],
            per_campaign=figures.recall,
        )

    def _row(self, label: str, detected: Detections, seconds: tuple[float, float]) -> Row:
        alert = Alert("all", "high", sorted(detected), dict(detected))
        result = evaluate([alert], self.truth, self.traffic)
        return Row(
            world=self.world.case.name,
            method=label,
            flagged=len(detected),
            account_precision=result.account_precision,
            account_recall=result.account_recall if result.campaigns else None,
            campaigns_found=result.campaigns_found,
            campaigns=result.campaigns,
            benign_flagged_share=result.benign_flagged_share,
            leak=result.leak if result.campaigns else None,
            exchanges_per_s=self.exchanges / seconds[0],
            exchanges_per_cpu_s=self.exchanges / seconds[1],
            per_campaign={name: campaign.recall for name, campaign in result.per_campaign.items()},
        )


def most_suspicious(rank: pl.DataFrame, budget: int) -> dict[str, float]:
    """The `budget` accounts of the highest score, those first who had it first, and when each reached what the last of them has."""
    known = rank.filter(pl.col("score").is_finite())
    best = known.group_by("account_id").agg(pl.col("score").max())
    if best.is_empty():
        return {}
    threshold = float(best["score"].sort(descending=True)[min(budget, best.height) - 1])
    past = known.filter(pl.col("score") >= threshold).group_by("account_id").agg(pl.col("at").min())
    # A score that saturates has ties; more than the budget must not be named for that.
    kept = past.join(best, on="account_id").sort(pl.col("score") <= threshold, "at", "account_id").head(budget)
    return dict(kept.select("account_id", "at").iter_rows())


def first_past(rank: pl.DataFrame, threshold: float) -> dict[str, float]:
    """When each account first reached a score."""
    past = rank.filter(pl.col("score").is_not_nan() & (pl.col("score") >= threshold))
    return dict(past.group_by("account_id").agg(pl.col("at").min()).iter_rows())


def timed(call: Callable[[], T]) -> tuple[T, tuple[float, float]]:
    """What a call answers, the seconds that it took, and those of the processor, of commands that it ran as well."""
    started, spent = time.perf_counter(), _processor()
    answer = call()
    return answer, (max(1e-9, time.perf_counter() - started), max(1e-9, _processor() - spent))


def _processor() -> float:
    used = [getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in used)
