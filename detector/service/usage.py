"""What ordinary accounts of each tier use: the measure of quotas."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from detector.alerts.quota import TierUsage
from detector.profiles.facts import UNKNOWN_TIER, AccountBook
from detector.profiles.layout import COUNT, DAY_US, DECAY_HOURS, DECAYED, F64, I32, I64, PANE_US, Flags
from detector.profiles.store import ProfileStore

_LEVEL = 0.99
_DAY = DECAY_HOURS.index(24)
_PER_DAY = np.log(2.0)  # a sum with a half-life of a day over the rate a day


class Used(NamedTuple):
    """What active accounts use at a moment.

    Attributes:
        slots: i32[n].
        tier: i64[n], number of the tier, −1 where unknown.
        rates: f64[n] each, by unit, a day.
    """

    slots: I32
    tier: I64
    rates: dict[str, F64]


def used(store: ProfileStore, book: AccountBook, slots: I32, now: int) -> Used:
    """What accounts use at a moment.

    Args:
        store: profiles.
        book: account facts.
        slots: i32[n].
        now: event time, µs.
    """
    facts = book.as_of(store.accounts.ident[slots], now)
    scale = 2.0 ** (-(now - int(store.landmarks[_DAY])) / (DECAY_HOURS[_DAY] * 3.6e9)) * _PER_DAY
    rates = {
        name: store.accounts.decayed[slots, DECAYED.index(name) * len(DECAY_HOURS) + _DAY] * scale for name in DECAYED
    }
    return Used(slots, facts.tier.astype(np.int64), rates)


def tier_usage(use: Used, quiet: Flags, tiers: Sequence[str]) -> TierUsage:
    """99th percentiles of requests and tokens a day by tier.

    Args:
        use: of active accounts.
        quiet: bool[n], those that no alert names.
        tiers: names by number.
    """
    out: dict[str, dict[str, float]] = {}
    for number, tier in enumerate([UNKNOWN_TIER, *tiers], -1):
        mine = (use.tier == number) & quiet
        if mine.any():
            out[tier] = {name: float(np.quantile(rate[mine], _LEVEL)) for name, rate in use.rates.items()}
    return TierUsage(out)


def requests_per_day(store: ProfileStore, now: int) -> float:
    """Requests of all accounts within the window, a day.

    Args:
        store: profiles.
        now: event time, µs.
    """
    taken = store.panes.slot >= 0
    if not taken.any():
        return 0.0
    days = (now - int(store.panes.index[taken].min()) * PANE_US) / DAY_US
    return float(store.panes.counts[taken, COUNT["requests"]].sum()) / max(days, 1.0)
