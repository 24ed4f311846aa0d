"""One scheduler or many people: are the members' volumes level beyond what the volumes of accounts are?"""

import numpy as np

from detector.coordination.features.base import ClusterView, cluster_feature
from detector.profiles.layout import F64

# Nats a member that a crowd of one tool may show. On a quiet week of 20,900 accounts the customers of a vendor had 0.38 in their
# first hours (51 of them) and 0.2 later, and people who paste one prompt 0.24 to 0.35. Pools that ask for a few requests each have
# 0.4 and more, others over 1.
CROWD = 0.25


@cluster_feature(
    "level_evidence", "nats", "log Bayes factor of level volumes against people's", (), "load spread by a machine"
)
def level_evidence(v: ClusterView) -> F64:
    """How much better levelled rates explain the members' request counts than the rates of other accounts do; nats in all.

    Of the volumes, and of the volumes a day, whichever is more level: a pool that started together, or accounts that replace each
    other; of all requests, or of those that carry the shared text, where others are relayed or made up around them. Few members or
    few requests give little either way. What people have who share something, or are alike, is taken off, and so is the price of
    one of many cores; and so is what a crowd of one tool shows, `CROWD` of each member.
    """
    return v.total(v.level) - CROWD * v.size - v.price


@cluster_feature("level_rate", "nats", "level evidence over members", (), "how level each account is")
def level_rate(v: ClusterView) -> F64:
    """Level evidence a member: a crowd of users of one tool adds up to much, with little from each."""
    return level_evidence(v) / np.maximum(v.size, 1.0)
