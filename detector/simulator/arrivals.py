"""When requests come: people in sessions by day, products in bursts, machines by the clock."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detector.simulator.accounts import DAY_S
from detector.simulator.texts.compose import Rng

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

# Share of a person's activity by local hour: nights are quiet, mornings and evenings are not.
_HOURS = np.array([2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 12, 11, 10, 11, 12, 12, 11, 10, 9, 9, 9, 8, 6, 4], float)
_WEEKEND = 0.55  # of a weekday
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday, Monday being 0


class Arrivals(NamedTuple):
    """Requests of a crowd, in no order.

    Attributes:
        account: row of the account.
        ts: seconds since 1970.
        session: number of the session, the same for the turns of one conversation.
        turn: 0 for its first request.
    """

    account: I64
    ts: F64
    session: I64
    turn: I64


def _within(a: Arrivals, start: float, days: float) -> Arrivals:
    keep = (a.ts >= start) & (a.ts < start + days * DAY_S)
    return Arrivals(a.account[keep], a.ts[keep], a.session[keep], a.turn[keep])


def counter(counts: I64) -> I64:
    """0, 1, … within each group of `counts`."""
    total = int(counts.sum())
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return np.arange(total) - starts


def human_times(rng: Rng, zone: F64, start: float, days: float) -> F64:
    """A moment by day-time and weekday for each time zone given; seconds since 1970."""
    n = zone.size
    day = np.arange(int(np.ceil(days)))
    weekday = ((start // DAY_S + day).astype(int) + _EPOCH_WEEKDAY) % 7
    weight = np.where(weekday >= 5, _WEEKEND, 1.0)
    chosen = rng.choice(day, n, p=weight / weight.sum())
    return start + chosen * DAY_S + human_clock(rng, zone)


def human_clock(rng: Rng, zone: F64) -> F64:
    """A time of day at which people are awake for each time zone given; seconds since midnight UTC."""
    hour = rng.choice(24, zone.size, p=_HOURS / _HOURS.sum()) + rng.random(zone.size)
    return ((hour - zone) % 24.0) * 3600.0


def sessions(rng: Rng, per_account: I64, zone: F64, turns: float | F64, start: float, days: float) -> Arrivals:
    """People: sessions at human hours, of a geometric number of turns a minute or so apart.

    Args:
        per_account: i64[n], sessions of each account.
        zone: f64[n], hours from UTC.
        turns: mean turns a session, of all or f64[n].
        start: beginning of the time that there is, seconds since 1970.
        days: its length.
        rng: source of chance.
    """
    account = np.repeat(np.arange(per_account.size), per_account)
    begin = human_times(rng, zone[account], start, days)
    length = rng.geometric(1.0 / np.broadcast_to(turns, per_account.shape)[account])
    session = np.repeat(np.arange(account.size), length)
    gap = rng.lognormal(4.0, 1.0, session.size)
    turn = counter(length)
    gap[turn == 0] = 0.0
    since = np.cumsum(gap)
    since -= np.repeat(since[np.cumsum(length) - length], length)
    return _within(Arrivals(account[session], begin[session] + since, session, turn), start, days)


def renewal(rng: Rng, per_account: I64, shape: F64, active: F64, start: float, days: float) -> Arrivals:
    """Products: Weibull gaps stretched to the account's rate, within the share of time in which it is active.

    Rates are scaled by stretching gaps: thinning would pull every coefficient of variation towards 1.

    Args:
        per_account: i64[n], requests of each account.
        shape: f64[n], Weibull shape; below 1 is bursty.
        active: f64[n], share of the hours with traffic.
        start: beginning of the time that there is, seconds since 1970.
        days: its length.
        rng: source of chance.
    """
    account = np.repeat(np.arange(per_account.size), per_account)
    gap = rng.weibull(shape[account])
    since = np.cumsum(gap)
    ends = np.cumsum(per_account)
    # From before the first request to after the last one: neither may sit on the edge of the time there is.
    before = np.r_[0.0, since][ends - per_account]
    whole = np.r_[0.0, since][ends] - before + rng.weibull(shape)
    place = (since - before[account]) / whole[account]
    hours = max(int(days * 24), 1)
    used = np.maximum((active * hours).astype(int), 1)
    # Active hours are spread over the time there is, the same for all requests of an account.
    offset = rng.random(per_account.size)
    step = place * used[account]
    slot = np.floor(step)
    stretch = hours / used[account]
    # A very bursty account has its first requests at the very beginning of its hour: which must not be the clock's.
    phase = rng.random(per_account.size)[account]
    hour = (np.floor((slot + offset[account]) * stretch) + (step - slot) + phase) % hours
    n = account.size
    return Arrivals(account, start + hour * 3600.0, np.arange(n), np.zeros(n, np.int64))


def paced(rng: Rng, per_account: I64, jitter: float, start: float, days: float) -> Arrivals:
    """Machines: requests at even distances from a random beginning, with some jitter."""
    account = np.repeat(np.arange(per_account.size), per_account)
    gap = days * DAY_S / np.maximum(per_account, 1)
    phase = rng.random(per_account.size) * gap
    ts = (
        start
        + phase[account]
        + counter(per_account) * gap[account]
        + rng.normal(0.0, jitter, account.size) * gap[account]
    )
    n = account.size
    return _within(Arrivals(account, ts, np.arange(n), np.zeros(n, np.int64)), start, days)


def windowed(rng: Rng, per_account: I64, windows: F64, start: float, days: float) -> Arrivals:
    """A pool under one scheduler: requests of all accounts fall into the same working windows.

    Args:
        per_account: i64[n], requests of each account.
        windows: f64[w, 2], beginning and length in days.
        start: beginning of the time that there is, seconds since 1970.
        days: its length.
        rng: source of chance.
    """
    account = np.repeat(np.arange(per_account.size), per_account)
    which = rng.choice(windows.shape[0], account.size, p=windows[:, 1] / windows[:, 1].sum())
    ts = start + (windows[which, 0] + rng.random(account.size) * windows[which, 1]) * DAY_S
    n = account.size
    return _within(Arrivals(account, ts, np.arange(n), np.zeros(n, np.int64)), start, days)
