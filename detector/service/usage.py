"""What ordinary accounts of each tier use: the measure of quotas."""

import numpy as np

from detector.alerts.quota import TierUsage
from detector.profiles.facts import AccountBook
from detector.profiles.layout import COUNT, DAY_US, DECAY_HOURS, DECAYED, I32, PANE_US
from detector.profiles.store import ProfileStore

_LEVEL = 0.99
_DAY = DECAY_HOURS.index(24)
_PER_DAY = np.log(2.0)  # a sum with a half-life of a day over the rate a day


def tier_usage(store: ProfileStore, book: AccountBook, slots: I32, now: int) -> TierUsage:
    """99th percentiles of requests and tokens a day by tier.

    Args:
        store: profiles.
        book: account facts.
        slots: accounts that no alert names.
        now: event time, µs.
    """
    facts = book.as_of(store.accounts.ident[slots], now)
    scale = 2.0 ** (-(now - int(store.landmarks[_DAY])) / (DECAY_HOURS[_DAY] * 3.6e9)) * _PER_DAY
    rates = {
        name: store.accounts.decayed[slots, DECAYED.index(name) * len(DECAY_HOURS) + _DAY] * scale for name in DECAYED
    }
    tiers = ["unknown", *book.tiers]
    out: dict[str, dict[str, float]] = {}
    for number, tier in enumerate(tiers, -1):
        mine = facts.tier == number
        if mine.any():
            out[tier] = {name: float(np.quantile(rate[mine], _LEVEL)) for name, rate in rates.items()}
    return TierUsage(out)


def requests_per_day(store: ProfileStore, now: int) -> float:
    """Requests of all accounts within the window, a day.

    Args:
        store: profiles.
        now: event time, µs.
    """
    used = store.panes.slot >= 0
    if not used.any():
        return 0.0
    days = (now - int(store.panes.index[used].min()) * PANE_US) / DAY_US
    return float(store.panes.counts[used, COUNT["requests"]].sum()) / max(days, 1.0)
