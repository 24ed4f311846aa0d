"""Who belongs: how strongly each account of a community is tied to the others, against a bystander."""

import numpy as np

from detector.coordination.features.base import ClusterView
from detector.profiles.layout import F64

CORE = 0.5  # share of the cluster's typical tie that makes a member core
MEMBER = 0.25  # below it an account shares the neighbourhood and no more


def ties(view: ClusterView) -> F64:
    """Nats of surprise by which each member is tied to its cluster, all kinds added; f64[members]."""
    return view.strengths.sum(axis=1)


def membership(view: ClusterView) -> F64:
    """How much of the typical tie of its cluster each account has, 0–1; f64[members].

    The typical tie is the median over the community. An account at `MEMBER` or below is a bystander: on the same network, say, and
    nothing else.
    """
    tie = ties(view)
    out = np.zeros(tie.size)
    for g in range(view.offsets.size - 1):  # over clusters
        part = slice(view.offsets[g], view.offsets[g + 1])
        out[part] = np.minimum(tie[part] / max(float(np.median(tie[part])), 1e-9), 1.0)
    return out
