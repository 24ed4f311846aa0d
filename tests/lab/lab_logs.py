"""Logs and alerts by hand."""

import numpy as np

from detector.simulator.lab.enforcement import Limit, Log, Order, Recommendation, Subject


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


def order(times, limits=(), *, severity="high", core=None):
    """From account → time and (unit, quota, window) triples."""
    bound = Recommendation(Subject(list(core or times)), [Limit(*each) for each in limits])
    return Order("a", severity, list(times), times, bound)
