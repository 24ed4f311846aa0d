"""One scheduler or one habit: are the members' volumes level beyond what accounts that are alike have in common?"""

import numpy as np

from detector.coordination.crowd import beyond_alike as beyond
from detector.coordination.features.base import ClusterView, cluster_feature
from detector.coordination.volumes import OF_ALL
from detector.profiles.layout import COUNT, F64


@cluster_feature(
    "beyond_alike",
    "nats",
    "log Bayes factor of level volumes against those of accounts alike",
    (),
    "not merely one habit",
)
def beyond_alike(v: ClusterView) -> F64:
    """How much better a scheduler explains the members' volumes than a habit that they share does; nats in all.

    Customers of one trade, who send one phrase, have sizes alike, and look level against everybody. Asked in the way in which the
    cluster is the most level, of those members that have enough requests to be seen; 0 where it is not level at all. The parts of a
    cluster that is of several were asked one by one, so that it has what it has against everybody.
    """
    level = v.total(v.level)
    whole = OF_ALL[v.most_level][v.cluster]
    asked = np.where(whole, v.each.counts[:, COUNT["requests"]], np.rint(v.carrying))
    seen = ((level > 0) & ~v.several)[v.cluster] & (asked >= v.least[v.cluster])
    size = np.bincount(v.cluster[seen], minlength=level.size)
    rows = np.flatnonzero(size)
    out = np.where(v.several, np.maximum(level, 0.0), 0.0)
    offsets = np.concatenate([[0], np.cumsum(size[rows])])
    out[rows] = beyond(asked[seen], v.days[seen], offsets, v.least[rows], floored=v.alike[rows])
    return out
