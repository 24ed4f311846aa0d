"""Alerts against truth: precision, recall by campaign, leak, time to detect. Pure: no files, no clock."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from detector.evaluation.campaigns import HOURS, CampaignResult, Times, leak, leak_interval, measure_campaign
from detector.evaluation.floor import TICK_S, earliest
from detector.evaluation.inputs import Alert, Traffic, Truth, epoch
from detector.evaluation.intervals import precision_at, wilson
from detector.evaluation.population import FOUND_SHARE, Population, populate, share, tally
from detector.evaluation.ranking import PrecisionAt, precision_at_k

BASE_RATES = {"1/1000": 1e-3, "1/10000": 1e-4}
HOUR_IN_DAYS = 1.0 / 24.0


class InnocentResult(msgspec.Struct, frozen=True):
    """Benign accounts of one archetype.

    Attributes:
        accounts: how many there are.
        flagged: how many were flagged.
        share: their share.
        low: bound of its Wilson 95 % interval.
        high: the other.
    """

    accounts: int
    flagged: int
    share: float
    low: float
    high: float


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
        intervals: 95 % bounds of account_precision, account_recall and benign_flagged_share (Wilson), and of leak (accounts as
            clusters).
        days: length of the log, days of event time.
        false_cases_per_100k_accounts_day: alerts of mostly benign accounts, a day and 100,000 benign accounts.
        precision_at_base_rate: precision if hostile accounts were as rare as the key says.
        activity: how activity is known.
        least_leak: share of attack exchanges that any detector leaks (`detector.evaluation.floor`).
        least_leak_at_ticks: that of a detector that decides every five minutes.
        precision_at_k: of the accounts that come first.
        latency: share of hostile accounts flagged by so many hours after their campaign's first attack exchange.
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
    least_leak: float
    least_leak_at_ticks: float
    precision_at_k: list[PrecisionAt]
    latency: dict[str, float]


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
        "leak": leak_interval(attacks, detected),
    }
    floors = earliest(population.campaigns, attacks), earliest(population.campaigns, attacks, TICK_S)
    per_campaign = {
        name: measure_campaign(accounts, attacks, detected, floors) for name, accounts in population.campaigns.items()
    }
    return Result(
        account_precision=score.account_precision,
        account_recall=score.account_recall,
        campaigns_found=score.campaigns_found,
        campaigns=len(population.campaigns),
        benign_flagged_share=score.benign_flagged_share,
        leak=leak(attacks, detected),
        per_campaign=per_campaign,
        per_innocent=_innocents(population, detected),
        leak_before_first_alert=leak(attacks, _first_of_campaign(population, first)),
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
        least_leak=leak(attacks, floors[0]),
        least_leak_at_ticks=leak(attacks, floors[1]),
        precision_at_k=precision_at_k(alerts, population),
        latency=_latency(per_campaign),
    )


def _latency(campaigns: Mapping[str, CampaignResult]) -> dict[str, float]:
    """The campaigns' curves, weighed by their accounts."""
    accounts = sum(campaign.accounts for campaign in campaigns.values())
    return {
        key: share(sum(campaign.latency[key] * campaign.accounts for campaign in campaigns.values()), accounts)
        for key in (f"{hours:g}" for hours in HOURS)
    }


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
    return {
        name: InnocentResult(len(hits), sum(hits), sum(hits) / len(hits), *wilson(sum(hits), len(hits)))
        for name, hits in sorted(groups.items())
    }


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
