"""What members do alike: a task list shared without repeats, the same lengths, the same minutes."""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from detector.coordination.features.base import ClusterView, cluster_feature
from detector.profiles.layout import COUNT, F64, I64
from detector.profiles.sketches import hyperloglog

Flags = npt.NDArray[np.bool_]

_LEAST_EXPECTED = 0.3  # below, the expansion does not hold
_LEAST_EXPECTED_ACTIVE = 1e-6  # members; nothing is expected in ten minutes without anybody
_MOST = 0.5
_LEAST_REQUESTS = 3  # members with fewer say nothing about their distribution of lengths


@cluster_feature(
    "disjoint_coverage", "share", "distinct prompts of all over the sum of each", ("prompt",), "a work queue"
)
def disjoint_coverage(v: ClusterView) -> F64:
    """1 where no two members asked the same; people on one homework, and benchmarks, repeat each other.

    Conversations are compared by how they open. An empty prompt asks for nothing in particular: where most are, there is no task
    that two members could share.
    """
    requests, talk, empty = (v.each.counts[:, COUNT[name]] for name in ("requests", "multi_turn", "empty"))
    alone = v.total(np.minimum(hyperloglog(v.each.prompts), requests - talk))
    coverage = np.minimum(hyperloglog(v.pooled.prompts) / np.maximum(alone, 1.0), 1.0)
    seedless = v.total(empty.astype(np.float64)) > _MOST * v.total(requests.astype(np.float64))
    return np.where(seedless | (alone < 1.0), 1.0, coverage)


@njit(cache=True, nogil=True)
def _affinity(each: I64, cluster: I64, pooled: I64, out: F64) -> None:
    """Bhattacharyya coefficient of each member's histogram with the others', over what a sample of one source would give.

    A sample of n from the same source over k bins in use has an expected coefficient of about 1 − (k − 1)/(8n), from the expansion of
    the root; dividing by it keeps a few requests from looking unlike. Multiplied into `out`.
    """
    for i in range(each.shape[0]):
        everybody, n, m, used, overlap = pooled[cluster[i]], 0, 0, 0, 0.0
        for j in range(each.shape[1]):
            n += each[i, j]
            m += everybody[j] - each[i, j]
            used += everybody[j] > 0
            if each[i, j] > 0:  # most bins are empty
                overlap += math.sqrt(float(each[i, j]) * float(everybody[j] - each[i, j]))
        n, m = max(n, 1), max(m, 1)
        expected = 1.0 - (used - 1) / (8.0 * n) - (used - 1) / (8.0 * m)
        out[i] *= min(overlap / math.sqrt(float(n) * float(m)) / max(expected, _LEAST_EXPECTED), 1.0)


@cluster_feature(
    "length_twins", "share", "mean affinity of lengths, each member with the rest", ("input_tokens",), "one generator"
)
def length_twins(v: ClusterView) -> F64:
    """Bhattacharyya coefficients of input and of output lengths, multiplied; members with 3 requests or more."""
    both = np.ones(v.slots.size)
    _affinity(v.each.lengths_in, v.cluster, v.pooled.lengths_in, both)
    _affinity(v.each.lengths_out, v.cluster, v.pooled.lengths_out, both)
    enough = (v.each.counts[:, COUNT["requests"]] >= _LEAST_REQUESTS).astype(np.float64)
    return v.total(both * enough) / np.maximum(v.total(enough), 1.0)


@njit(cache=True, nogil=True)
def _dispersion(bits: Flags, offsets: I64, mode: F64, out: F64) -> None:
    """Squared deviations of the members active at a time from what `mode` leads to expect, over their variance."""
    together = np.empty(bits.shape[1], np.int32)
    for g in range(out.shape[0]):
        together[:] = 0
        for i in range(offsets[g], offsets[g + 1]):
            for t in range(bits.shape[1]):
                together[t] += bits[i, t]
        whole, size = float(together.sum()), float(max(offsets[g + 1] - offsets[g], 1))
        squares, variances = 0.0, 0.0
        for t in range(bits.shape[1]):
            expected = whole * mode[t]
            if expected > _LEAST_EXPECTED_ACTIVE:
                squares += (together[t] - expected) ** 2
                variances += max(expected * (1.0 - expected / size), 1e-9)
        out[g] = squares / max(variances, 1e-9)


@cluster_feature("step_correlation", "share", "1 − 1/dispersion of members active together", (), "one scheduler")
def step_correlation(v: ClusterView) -> F64:
    """How far the count of members active in each ten minutes of the present pane varies beyond independent members.

    The common mode is removed first: what all accounts do in those ten minutes sets the expectation (SynchroTrap, CCS 2014, works
    on the same kind of evidence).
    """
    n = v.offsets.size - 1
    if v.bits.shape[1] == 0 or n == 0:
        return np.zeros(n)
    mode = v.population.active / max(float(v.population.active.sum()), 1e-12)
    dispersion = np.empty(n)
    _dispersion(v.bits, v.offsets, mode, dispersion)
    return 1.0 - 1.0 / np.maximum(dispersion, 1.0)
