"""What members do alike: a task list shared without repeats, the same lengths, the same minutes."""

import numpy as np

from detector.coordination.features.base import ClusterView, cluster_feature
from detector.profiles.layout import COUNT, F64, I64
from detector.profiles.sketches import hyperloglog

_LEAST_EXPECTED = 0.3  # below, the expansion does not hold
_LEAST_EXPECTED_ACTIVE = 1e-6  # members; nothing is expected in ten minutes without anybody
_LEAST_REQUESTS = 3  # members with fewer say nothing about their distribution of lengths


@cluster_feature(
    "disjoint_coverage", "share", "distinct prompts of all over the sum of each", ("prompt",), "a work queue"
)
def disjoint_coverage(v: ClusterView) -> F64:
    """1 where no two members asked the same; people on one homework, and benchmarks, repeat each other.

    An empty prompt asks for nothing in particular: it is no task that two members could share.
    """
    empty = v.each.counts[:, COUNT["empty"]]
    alone = np.minimum(hyperloglog(v.each.prompts), v.each.counts[:, COUNT["requests"]]) - (empty > 0)
    together = hyperloglog(v.pooled.prompts) - (v.total(empty.astype(np.float64)) > 0)
    sum_of_each = v.total(alone)
    return np.where(sum_of_each < 1.0, 1.0, np.minimum(together / np.maximum(sum_of_each, 1.0), 1.0))


def _affinity(each: I64, cluster: I64, pooled: I64) -> F64:
    """Bhattacharyya coefficient of each member's histogram with the others', over what a sample of one source would give.

    A sample of n from the same source over k bins in use has an expected coefficient of about 1 − (k − 1)/(8n), from the expansion of
    the root; dividing by it keeps a few requests from looking unlike.
    """
    others = pooled[cluster] - each
    n, m = each.sum(axis=1, keepdims=True), others.sum(axis=1, keepdims=True)
    raw = np.sqrt((each / np.maximum(n, 1)) * (others / np.maximum(m, 1))).sum(axis=1)
    used = (pooled > 0).sum(axis=1)[cluster]
    expected = 1.0 - (used - 1) / (8.0 * np.maximum(n[:, 0], 1)) - (used - 1) / (8.0 * np.maximum(m[:, 0], 1))
    return np.minimum(raw / np.maximum(expected, _LEAST_EXPECTED), 1.0)


@cluster_feature(
    "length_twins", "share", "mean affinity of lengths, each member with the rest", ("input_tokens",), "one generator"
)
def length_twins(v: ClusterView) -> F64:
    """Bhattacharyya coefficients of input and of output lengths, multiplied; members with 3 requests or more."""
    both = _affinity(v.each.lengths_in, v.cluster, v.pooled.lengths_in) * _affinity(
        v.each.lengths_out, v.cluster, v.pooled.lengths_out
    )
    enough = (v.each.counts[:, COUNT["requests"]] >= _LEAST_REQUESTS).astype(np.float64)
    return v.total(both * enough) / np.maximum(v.total(enough), 1.0)


@cluster_feature("step_correlation", "share", "1 − 1/dispersion of members active together", (), "one scheduler")
def step_correlation(v: ClusterView) -> F64:
    """How far the count of members active in each ten minutes of the present pane varies beyond independent members.

    The common mode is removed first: what all accounts do in those ten minutes sets the expectation (SynchroTrap, CCS 2014, works
    on the same kind of evidence).
    """
    n = v.offsets.size - 1
    if v.bits.shape[1] == 0 or n == 0:
        return np.zeros(n)
    together = np.add.reduceat(v.bits, v.offsets[:-1], axis=0, dtype=np.float64)
    mode = v.population.active / max(float(v.population.active.sum()), 1e-12)
    expected = together.sum(axis=1, keepdims=True) * mode
    variance = np.maximum(expected * (1.0 - expected / np.maximum(v.size[:, None], 1.0)), 1e-9)
    used = expected > _LEAST_EXPECTED_ACTIVE
    dispersion = (np.where(used, (together - expected) ** 2, 0.0)).sum(axis=1) / np.maximum(
        np.where(used, variance, 0.0).sum(axis=1), 1e-9
    )
    return 1.0 - 1.0 / np.maximum(dispersion, 1.0)
