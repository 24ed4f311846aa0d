"""One scheduler or many people: are the members' volumes level beyond what the volumes of accounts are?"""

import numpy as np

from detector.coordination.features.base import ClusterView, cluster_feature
from detector.coordination.volumes import SLACK, log_level
from detector.profiles.layout import COUNT, DAY_US, F64


def levelled(v: ClusterView) -> tuple[F64, F64]:
    """Log Bayes factors of each member's volume, and of its volume a day; f64[members] each."""
    if "levelled" not in v.pairs:
        v.pairs["levelled"] = _levelled(v)
    return v.pairs["levelled"]


def _levelled(v: ClusterView) -> tuple[F64, F64]:
    requests = v.each.counts[:, COUNT["requests"]].astype(np.float64)
    # A pool that was replaced has stopped, not slowed down.
    days = np.maximum((v.each.last - v.each.first) / DAY_US, 1.0)

    def against(exposure: F64, table: F64) -> F64:
        return log_level(v.each.counts, exposure, v.expected(requests, exposure), v.least, v.offsets, table)

    volumes = v.population.volumes
    return against(np.ones_like(days), volumes.requests), against(days, volumes.daily)


@cluster_feature(
    "level_evidence", "nats", "log Bayes factor of level volumes against people's", (), "load spread by a machine"
)
def level_evidence(v: ClusterView) -> F64:
    """How much better levelled rates explain the members' request counts than the rates of other accounts do; nats in all.

    Of the volumes, and of the volumes a day, whichever is more level: a pool that started together, or accounts that replace each
    other. Few members or few requests give little either way. What people have who share something, or are alike, is taken off.
    """
    volume, rate = levelled(v)
    return np.maximum(v.total(volume), v.total(rate)) - SLACK * v.size


@cluster_feature("level_rate", "nats", "level evidence over members", (), "how level each account is")
def level_rate(v: ClusterView) -> F64:
    """Level evidence a member: a crowd of users of one tool adds up to much, with little from each."""
    return level_evidence(v) / np.maximum(v.size, 1.0)
