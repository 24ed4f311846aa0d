"""Logs and alerts by hand."""

import numpy as np

from detector.simulator.lab.enforcement import Log
from detector.simulator.lab.orders import Limit, Order, Step


def log(*exchanges):
    """From (ts, account, output tokens, campaign)."""
    ts, account, tokens, campaign = zip(*exchanges, strict=True)
    return Log(
        np.array(ts, float),
        np.array(account, object),
        np.array(tokens, np.int64),
        np.array([c != "" for c in campaign]),
        np.ones(len(ts), np.bool_),
        np.array(campaign, object),
    )


def order(times, limits=()):
    """From account → time from which it is bound, and (unit, quota, window) triples."""
    shared = tuple(Limit(*each) for each in limits)
    moments = sorted(set(times.values()))
    return Order([Step(at, frozenset(a for a, t in times.items() if t <= at), shared) for at in moments])
