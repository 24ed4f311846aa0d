"""One scheduler or one habit: are the members' volumes level beyond what accounts that are alike have in common?"""

import math
from typing import Final

import numpy as np

from detector.coordination.crowd import SEARCHES
from detector.coordination.crowd import beyond_alike as beyond
from detector.coordination.features.base import ClusterView, cluster_feature
from detector.coordination.volumes import OF_ALL
from detector.profiles.layout import COUNT, F64

# Nats: clusters are put together where they are level, and are searched for all week long, and what was chosen so has to show it that
# much more clearly. On a quiet week of 33,500 accounts, under four hash keys, two that were put together had 6.9 nats against
# everybody and all that rules for pools ask beside, and 5.0 and 0.9 at most against accounts alike.
_PUT_TOGETHER: Final = math.log(SEARCHES)


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
    cluster is the most level, of those members that have enough requests to be seen; 0 where it is not level at all. A cluster that
    was put together of several has to pay for that, and one of many cores for its place among them.
    """
    level = v.total(v.level)
    whole = OF_ALL[v.most_level][v.cluster]
    asked = np.where(whole, v.each.counts[:, COUNT["requests"]], np.rint(v.carrying))
    seen = (level > 0)[v.cluster] & (asked >= v.least[v.cluster])
    size = np.bincount(v.cluster[seen], minlength=level.size)
    rows = np.flatnonzero(size)
    out = np.zeros(level.size)
    offsets = np.concatenate([[0], np.cumsum(size[rows])])
    out[rows] = beyond(asked[seen], v.days[seen], offsets, v.least[rows], floored=v.alike[rows])
    out[v.several] -= _PUT_TOGETHER
    return out - v.price
