"""Who belongs: how strongly each account of a community is tied to the others and behaves as they do, against a bystander."""

import numpy as np

from detector.coordination.features.base import ClusterView
from detector.coordination.features.twins import anybody, log_marginal
from detector.profiles.layout import F64, I64

CORE = 0.5  # share of the cluster's typical tie that makes a member core
MEMBER = 0.25  # below it an account shares the neighbourhood and no more
# Nats: likeness, and ties twice, since an account that shares a rare key by chance rarely behaves like the rest as well. On the
# simulated worlds members of pools lie above, people that share an opening phrase with relayed traffic below.
BELONGS = 9.0
_SOURCE = 50.0  # pseudo-requests that the others' lengths are worth: members of one pool stray a little too


def ties(view: ClusterView) -> F64:
    """Nats of surprise by which each member is tied to its cluster, all kinds added; f64[members].

    A key counts for less the fewer of the members hold it (by the root of their share): what two bystanders have in common does
    not tie them to the cluster.
    """
    _, _, weight, share = view.shared
    return np.asarray(view.strongest(weight * np.sqrt(share)).sum(axis=1), np.float64)


def _lengths(view: ClusterView, each: I64, everybody: F64) -> F64:
    alpha = anybody(everybody)
    others = (view.joined(each)[view.cluster] - each).astype(np.float64)
    shared = _SOURCE * others / np.maximum(others.sum(axis=1, keepdims=True), 1.0)
    return log_marginal(each, alpha + shared) - log_marginal(each, alpha)


def lengths(view: ClusterView) -> F64:
    """Nats by which each member's lengths are likelier as the rest's than as anybody's; f64[members]."""
    return _lengths(view, view.each.lengths_in, view.population.lengths_in) + _lengths(
        view, view.each.lengths_out, view.population.lengths_out
    )


def membership(view: ClusterView) -> F64:
    """How much of the typical tie of its cluster each account has, 0–1; 0 for one that behaves unlike the rest; f64[members].

    The typical tie is the median over the community. In a cluster that was found by likeness, likeness is the tie, and an account
    whose volume is likelier anybody's is a bystander. So is one at `MEMBER` or below: on the same network, say, and nothing else;
    and one whose ties and likeness together do not reach `BELONGS`.
    """
    tie, level = ties(view), view.level
    like = level + lengths(view)
    alike = np.where(level > 0.0, np.maximum(like, 0.0), 0.0)
    strength = np.where(view.alike[view.cluster], alike, tie)
    out = np.zeros(tie.size)
    for g in range(view.offsets.size - 1):  # over clusters
        part = slice(view.offsets[g], view.offsets[g + 1])
        out[part] = np.minimum(strength[part] / max(float(np.median(strength[part])), 1e-9), 1.0)
    return np.where(2.0 * tie + like < BELONGS, 0.0, out)
