"""Size, payers, density: who the members are to each other."""

import numpy as np

from detector.coordination.features.base import ClusterView, cluster_feature
from detector.profiles.layout import COUNT, DAY_US, F64

_SURE = 1.64  # standard deviations: the CV is below it nineteen times in twenty


@cluster_feature("members", "accounts", "count", (), "size")
def members(v: ClusterView) -> F64:
    """Accounts in the cluster."""
    return v.size


@cluster_feature("payers", "payers", "distinct payment tokens", (), "unrelated people, or cards bought in bulk")
def payers(v: ClusterView) -> F64:
    """An account without a known payer counts as its own."""
    return v.payers


@cluster_feature("organisations", "organisations", "distinct organisations", (), "not one customer")
def organisations(v: ClusterView) -> F64:
    """An account without a known organisation counts as its own."""
    return v.organisations


@cluster_feature("unrelated_share", "share", "payers over members", (), "nobody's staff")
def unrelated_share(v: ClusterView) -> F64:
    """1 where every member pays for itself."""
    return v.payers / np.maximum(v.size, 1.0)


def certain_spread(extra: F64, variance: F64, square: F64) -> F64:
    """Squared CV of rates that counts are sure to be below, nineteen times in twenty; f64[clusters].

    What is seen beyond Poisson counts of one rate, and what such counts may hide of it.

    Args:
        extra: sums of (count - mean)² - mean over members.
        variance: sums of 2 mean² + mean, which is the variance of the former.
        square: sums of mean².
    """
    return np.maximum(extra + _SURE * np.sqrt(variance), 0.0) / np.maximum(square, 1e-9)


def _spread(v: ClusterView, counts: F64, exposure: F64) -> F64:
    expected = v.expected(counts, exposure)
    square = v.total(expected**2)
    extra, variance = v.total((counts - expected) ** 2 - expected), 2.0 * square + v.total(expected)
    return certain_spread(extra, variance, square)


@cluster_feature(
    "volume_evenness", "share", "1 / (1 + CV of members' volumes beyond chance)", (), "load spread by a machine"
)
def volume_evenness(v: ClusterView) -> F64:
    """Near 1 where all members make as many requests, or as many a day, and enough of them that chance does not hide much."""
    counts = v.each.counts[:, COUNT["requests"]].astype(np.float64)
    days = np.maximum((v.now - v.each.first) / DAY_US, 1.0)
    spread = np.minimum(_spread(v, counts, np.ones_like(counts)), _spread(v, counts, days))
    return 1.0 / (1.0 + np.sqrt(spread))


@cluster_feature("organisation_share", "share", "organisations over members", (), "not one customer's accounts")
def organisation_share(v: ClusterView) -> F64:
    """1 where every member is an organisation of its own."""
    return v.organisations / np.maximum(v.size, 1.0)


@cluster_feature("joiner_rate", "accounts/day", "members first seen within 24 h", (), "accounts are replaced")
def joiner_rate(v: ClusterView) -> F64:
    """Of the present members."""
    return v.total((v.now - v.each.first < DAY_US).astype(np.float64))
