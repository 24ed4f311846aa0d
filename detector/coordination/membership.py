"""Who belongs: how strongly each account of a community is tied to the others and behaves as they do, against a bystander."""

import numpy as np

from detector.coordination.features.base import ClusterView
from detector.coordination.features.twins import PEOPLE, PRIOR, SCHEDULER, log_counts, log_marginal
from detector.profiles.layout import COUNT, DAY_US, F64, I64

CORE = 0.5  # share of the cluster's typical tie that makes a member core
MEMBER = 0.25  # below it an account shares the neighbourhood and no more
UNLIKE = -3.0  # nats: twenty times likelier as one of the people than as one of the cluster
_SOURCE = 50.0  # pseudo-requests that the others' lengths are worth: members of one pool stray a little too


def ties(view: ClusterView) -> F64:
    """Nats of surprise by which each member is tied to its cluster, all kinds added; f64[members]."""
    return np.asarray(view.strengths.sum(axis=1), np.float64)


def _lengths(view: ClusterView, each: I64, everybody: F64) -> F64:
    base = (everybody + 1.0) / (everybody + 1.0).sum()
    counts = each.astype(np.float64)
    others = np.add.reduceat(counts, view.offsets[:-1], axis=0)[view.cluster] - counts
    shared = _SOURCE * others / np.maximum(others.sum(axis=1, keepdims=True), 1.0)
    return log_marginal(counts, PRIOR * base + shared) - log_marginal(counts, PRIOR * base[None, :])


def _volume(view: ClusterView) -> F64:
    counts = view.each.counts[:, COUNT["requests"]].astype(np.float64)
    days = np.maximum((view.now - view.each.first) / DAY_US, 1.0)
    best = np.full(counts.size, -np.inf)
    for exposure in (np.ones_like(counts), days):
        rate = view.total(counts) / np.maximum(view.total(exposure), 1e-9)
        mean = np.maximum(rate[view.cluster] * exposure, 1e-9)
        best = np.maximum(best, log_counts(counts, mean, SCHEDULER) - log_counts(counts, mean, PEOPLE))
    return best


def likeness(view: ClusterView) -> F64:
    """Nats by which each member's lengths and volume are likelier as the rest's than as anybody's; f64[members]."""
    return (
        _lengths(view, view.each.lengths_in, view.population.lengths_in)
        + _lengths(view, view.each.lengths_out, view.population.lengths_out)
        + _volume(view)
    )


def membership(view: ClusterView) -> F64:
    """How much of the typical tie of its cluster each account has, 0–1; 0 for one that behaves unlike the rest; f64[members].

    The typical tie is the median over the community. An account at `MEMBER` or below is a bystander: on the same network, say, and
    nothing else.
    """
    tie = ties(view)
    out = np.zeros(tie.size)
    for g in range(view.offsets.size - 1):  # over clusters
        part = slice(view.offsets[g], view.offsets[g + 1])
        out[part] = np.minimum(tie[part] / max(float(np.median(tie[part])), 1e-9), 1.0)
    return np.where(likeness(view) < UNLIKE, 0.0, out)
