"""Alerts against truth: precision, recall by campaign, leak, time to detect. Pure: no files, no clock."""

from collections.abc import Mapping, Sequence
from statistics import median

import msgspec
import numpy as np
from numpy.typing import NDArray

from detector.evaluation.inputs import Alert, Traffic, Truth, epoch
from detector.evaluation.intervals import precision_at, wilson
from detector.evaluation.population import FOUND_SHARE, Population, populate, share, tally

BASE_RATES = {"1/1000": 1e-3, "1/10000": 1e-4}
HOUR_IN_DAYS = 1.0 / 24.0

Times = NDArray[np.float64]


class CampaignResult(msgspec.Struct, frozen=True):
    """One campaign.

    Attributes:
        accounts: its active accounts.
        flagged: how many of them an actionable alert named.
        recall: their share.
        found: whether at least half of them were flagged.
        leak: share of its attack exchanges before their account was flagged.
        leak_before_first_alert: share of them before any of its accounts was: what naming all at once would leave.
        time_to_detect_s: median over flagged accounts, from the account's first attack exchange, seconds.
        first_alert_s: from the campaign's first attack exchange to its first flagged account, seconds.
    """

    accounts: int
    flagged: int
    recall: float
    found: bool
    leak: float
    leak_before_first_alert: float
    time_to_detect_s: float | None
    first_alert_s: float | None


class InnocentResult(msgspec.Struct, frozen=True):
    """Benign accounts of one archetype: how many there are, how many were flagged, and their share."""

    accounts: int
    flagged: int
    share: float


class BaseRate(msgspec.Struct, frozen=True):
    """Precision at a base rate, with the bounds that the intervals of recall and benign share leave open."""

    precision: float
    low: float
    high: float


class Result(msgspec.Struct, frozen=True):
    """The evaluation; its fields are the keys of `evaluate --json`.

    Attributes:
        account_precision: hostile share of flagged accounts; 0 where nobody is flagged.
        account_recall: flagged share of hostile accounts.
        campaigns_found: campaigns with at least half of their accounts flagged.
        campaigns: campaigns with active accounts.
        benign_flagged_share: flagged share of benign accounts.
        leak: share of attack exchanges before their account was flagged.
        per_campaign: by campaign.
        per_innocent: by archetype of benign accounts.
        leak_before_first_alert: share of attack exchanges before any account of their campaign was flagged.
        counts: hostile, benign, flagged_hostile, flagged_benign, cases, false_cases.
        intervals: Wilson 95 % bounds of account_precision, account_recall and benign_flagged_share.
        days: length of the log, days of event time.
        false_cases_per_100k_accounts_day: alerts of mostly benign accounts, a day and 100,000 benign accounts.
        precision_at_base_rate: precision if hostile accounts were as rare as the key says.
        activity: how activity is known.
    """

    account_precision: float
    account_recall: float
    campaigns_found: int
    campaigns: int
    benign_flagged_share: float
    leak: float
    per_campaign: dict[str, CampaignResult]
    per_innocent: dict[str, InnocentResult]
    leak_before_first_alert: float
    counts: dict[str, int]
    intervals: dict[str, tuple[float, float]]
    days: float
    false_cases_per_100k_accounts_day: float
    precision_at_base_rate: dict[str, BaseRate]
    activity: str


def detections(alerts: Sequence[Alert]) -> dict[str, float]:
    """Each flagged account's first moment in an actionable alert, epoch seconds."""
    first: dict[str, float] = {}
    for alert in alerts:
        if alert.actionable:
            for account in alert.accounts:
                first[account] = min(alert.detected(account), first.get(account, np.inf))
    return first


def evaluate(alerts: Sequence[Alert], truth: Truth, traffic: Traffic | None = None) -> Result:
    """Measures alerts against truth as DESIGN §4 defines it.

    Args:
        alerts: states of alerts, in any order.
        truth: the world's truth.
        traffic: who was active; None where unknown.

    Returns:
        Every figure; the same for any order of `alerts`.
    """
    detected = detections(alerts)
    population = populate(truth, traffic, detected)
    score = tally(population, detected)
    attacks = {
        account: np.sort([epoch(time) for time in truth.attack_times.get(account, [])])
        for account in population.hostile
    }
    first = {
        name: min(map(detected.__getitem__, accounts & detected.keys()), default=np.inf)
        for name, accounts in population.campaigns.items()
    }
    cases, false_cases = _cases(alerts, population)
    days = traffic.days if traffic and traffic.days else _days(alerts, attacks)
    hostile, benign = len(population.hostile), len(population.benign)
    intervals = {
        "account_precision": wilson(score.hostile_flagged, score.hostile_flagged + score.benign_flagged),
        "account_recall": wilson(score.hostile_flagged, hostile),
        "benign_flagged_share": wilson(score.benign_flagged, benign),
    }
    return Result(
        account_precision=score.account_precision,
        account_recall=score.account_recall,
        campaigns_found=score.campaigns_found,
        campaigns=len(population.campaigns),
        benign_flagged_share=score.benign_flagged_share,
        leak=_leak(attacks, detected),
        per_campaign={
            name: _campaign(accounts, attacks, detected, first[name]) for name, accounts in population.campaigns.items()
        },
        per_innocent=_innocents(population, detected),
        leak_before_first_alert=_leak(attacks, _first_of_campaign(population, first)),
        counts={
            "hostile": hostile,
            "benign": benign,
            "flagged_hostile": score.hostile_flagged,
            "flagged_benign": score.benign_flagged,
            "cases": cases,
            "false_cases": false_cases,
        },
        intervals=intervals,
        days=days,
        false_cases_per_100k_accounts_day=share(1e5 * false_cases, benign * days),
        precision_at_base_rate=_base_rates(score.account_recall, score.benign_flagged_share, intervals),
        activity=population.activity,
    )


def _campaign(
    accounts: frozenset[str], attacks: Mapping[str, Times], detected: Mapping[str, float], first: float
) -> CampaignResult:
    own = {account: attacks[account] for account in accounts}
    flagged = accounts & detected.keys()
    waits = [max(0.0, detected[account] - float(own[account][0])) for account in flagged if own[account].size]
    started = min((float(times[0]) for times in own.values() if times.size), default=np.inf)
    return CampaignResult(
        accounts=len(accounts),
        flagged=len(flagged),
        recall=len(flagged) / len(accounts),
        found=len(flagged) >= FOUND_SHARE * len(accounts),
        leak=_leak(own, detected),
        leak_before_first_alert=_leak(own, dict.fromkeys(accounts, first)),
        time_to_detect_s=float(median(waits)) if waits else None,
        first_alert_s=max(0.0, float(first - started)) if np.isfinite(first) and np.isfinite(started) else None,
    )


def _leak(attacks: Mapping[str, Times], detected: Mapping[str, float]) -> float:
    """Share of attack exchanges strictly before their account's detection; all of an account that never was."""
    before = sum(
        int(np.searchsorted(times, detected.get(account, np.inf), side="left")) for account, times in attacks.items()
    )
    return share(before, sum(times.size for times in attacks.values()))


def _first_of_campaign(population: Population, first: Mapping[str, float]) -> dict[str, float]:
    """Per account, when the first account of any of its campaigns was flagged."""
    moments: dict[str, float] = {}
    for name, accounts in population.campaigns.items():
        for account in accounts:
            moments[account] = min(first[name], moments.get(account, np.inf))
    return moments


def _innocents(population: Population, detected: Mapping[str, float]) -> dict[str, InnocentResult]:
    groups: dict[str, list[bool]] = {}
    for account in population.benign:
        groups.setdefault(population.archetype.get(account, "unknown"), []).append(account in detected)
    return {name: InnocentResult(len(hits), sum(hits), sum(hits) / len(hits)) for name, hits in sorted(groups.items())}


def _cases(alerts: Sequence[Alert], population: Population) -> tuple[int, int]:
    """Actionable alerts that were not merged away, and those of them whose accounts are mostly benign."""
    merged = {alert.id for alert in alerts if alert.merged_into is not None}
    named: dict[str, set[str]] = {}
    for alert in alerts:
        if alert.actionable and alert.id not in merged:
            named.setdefault(alert.id, set()).update(alert.accounts)
    false = sum(len(accounts & population.hostile) < FOUND_SHARE * len(accounts) for accounts in named.values())
    return len(named), false


def _days(alerts: Sequence[Alert], attacks: Mapping[str, Times]) -> float:
    """Days that alerts and attacks span, at least an hour: a lower bound where the log's own length is unknown."""
    seen = [
        epoch(time)
        for alert in alerts
        for time in (alert.first_seen, alert.last_seen, alert.detected_at)
        if time is not None
    ]
    moments = [*seen, *(float(time) for times in attacks.values() if times.size for time in times[[0, -1]])]
    return max(HOUR_IN_DAYS, (max(moments) - min(moments)) / 86_400.0) if moments else HOUR_IN_DAYS


def _base_rates(recall: float, benign: float, intervals: Mapping[str, tuple[float, float]]) -> dict[str, BaseRate]:
    recall_low, recall_high = intervals["account_recall"]
    benign_low, benign_high = intervals["benign_flagged_share"]
    return {
        name: BaseRate(
            precision_at(rate, recall, benign),
            precision_at(rate, recall_low, benign_high),
            precision_at(rate, recall_high, benign_low),
        )
        for name, rate in BASE_RATES.items()
    }
