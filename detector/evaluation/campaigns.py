"""One campaign: how much of it was flagged, how fast, what leaked, and the least that had to."""

from collections.abc import Collection, Mapping
from statistics import median

import msgspec
import numpy as np
from numpy.typing import NDArray

from detector.evaluation.intervals import median_interval, ratio_interval, wilson
from detector.evaluation.population import FOUND_SHARE, share

Times = NDArray[np.float64]

HOURS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 24.0, 48.0, 72.0, 120.0, 168.0)
"""Hours since a campaign's start at which its curve is read."""


class Floor(msgspec.Struct, frozen=True):
    """What a detector that names every account at its earliest possible moment would reach (`detector.evaluation.floor`).

    Attributes:
        leak: share of attack exchanges before that.
        time_to_detect_s: median over accounts, from the account's first attack exchange, seconds.
        first_alert_s: from the campaign's first attack exchange, seconds.
    """

    leak: float
    time_to_detect_s: float | None
    first_alert_s: float | None


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
        intervals: 95 % bounds of recall (Wilson), leak (accounts as clusters) and time_to_detect_s (order statistics); the last is
            missing below six flagged accounts.
        half_flagged_s: from the campaign's first attack exchange until half of its accounts were flagged, seconds.
        latency: share of its accounts that were flagged by so many hours after its first attack exchange; the keys are hours.
        least: the floor of any detector that learns of the campaign from this log.
        least_at_ticks: the floor of one that decides every five minutes.
    """

    accounts: int
    flagged: int
    recall: float
    found: bool
    leak: float
    leak_before_first_alert: float
    time_to_detect_s: float | None
    first_alert_s: float | None
    intervals: dict[str, tuple[float, float]]
    half_flagged_s: float | None
    latency: dict[str, float]
    least: Floor
    least_at_ticks: Floor


def measure_campaign(
    accounts: Collection[str],
    attacks: Mapping[str, Times],
    detected: Mapping[str, float],
    floors: tuple[Mapping[str, float], Mapping[str, float]],
) -> CampaignResult:
    """The figures of one campaign.

    Args:
        accounts: its active accounts, at least one.
        attacks: times of each account's attack exchanges, sorted; epoch seconds.
        detected: when each flagged account of the world was first named.
        floors: when each could be named at the earliest, at any exchange and at ticks.
    """
    own = {account: attacks[account] for account in sorted(accounts)}
    flagged = own.keys() & detected.keys()
    start = min((float(times[0]) for times in own.values() if times.size), default=np.inf)
    first = min((detected[account] for account in flagged), default=np.inf)
    waits = _waits(own, detected)
    delays = np.sort([max(0.0, detected[account] - start) for account in flagged])
    half = int(np.ceil(FOUND_SHARE * len(own)))
    intervals = {
        "recall": wilson(len(flagged), len(own)),
        "leak": leak_interval(own, detected),
    }
    if bounds := median_interval(waits):
        intervals["time_to_detect_s"] = bounds
    known = np.isfinite(start)
    return CampaignResult(
        accounts=len(own),
        flagged=len(flagged),
        recall=len(flagged) / len(own),
        found=len(flagged) >= FOUND_SHARE * len(own),
        leak=leak(own, detected),
        leak_before_first_alert=leak(own, dict.fromkeys(own, first)),
        time_to_detect_s=float(median(waits)) if waits else None,
        first_alert_s=max(0.0, float(first - start)) if np.isfinite(first) and known else None,
        intervals=intervals,
        half_flagged_s=float(delays[half - 1]) if delays.size >= half and known else None,
        latency={
            f"{hours:g}": float((delays <= 3_600.0 * hours).sum()) / len(own) if known else 0.0 for hours in HOURS
        },
        least=_floor(own, floors[0], start),
        least_at_ticks=_floor(own, floors[1], start),
    )


def leak(attacks: Mapping[str, Times], detected: Mapping[str, float]) -> float:
    """Share of attack exchanges strictly before their account's detection; all of an account that never was."""
    return share(float(_before(attacks, detected).sum()), sum(times.size for times in attacks.values()))


def leak_interval(attacks: Mapping[str, Times], detected: Mapping[str, float]) -> tuple[float, float]:
    """95 % bounds of `leak`; an account's exchanges stand and fall together."""
    return ratio_interval(_before(attacks, detected), np.array([times.size for times in attacks.values()], np.float64))


def _before(attacks: Mapping[str, Times], detected: Mapping[str, float]) -> Times:
    """f64[n], each account's attack exchanges before its detection."""
    return np.array(
        [np.searchsorted(times, detected.get(account, np.inf), side="left") for account, times in attacks.items()],
        np.float64,
    )


def _waits(attacks: Mapping[str, Times], detected: Mapping[str, float]) -> list[float]:
    """Seconds from each detected account's first attack exchange to its detection."""
    return [
        max(0.0, detected[account] - float(times[0]))
        for account, times in attacks.items()
        if times.size and np.isfinite(detected.get(account, np.inf))
    ]


def _floor(own: Mapping[str, Times], earliest: Mapping[str, float], start: float) -> Floor:
    waits = _waits(own, earliest)
    first = min((earliest[account] for account in own.keys() & earliest.keys()), default=np.inf)
    return Floor(
        leak=leak(own, earliest),
        time_to_detect_s=float(median(waits)) if waits else None,
        first_alert_s=float(first - start) if np.isfinite(first) else None,
    )
