"""One operator or many people: do the members' lengths come from one distribution?"""

import math

import numpy as np
from numba import njit

from detector.coordination.behaviour import Counts
from detector.coordination.features.base import ClusterView, cluster_feature
from detector.profiles.layout import F64, I64

# Pseudo-requests of the prior: how far one person's lengths stray from everybody's. Larger would ask for more requests before two
# members look alike; the rules compare with benign clusters, so that only its order of magnitude matters.
PRIOR = 8.0
_SMALL, _TINY, _HUGE = 16, 1e-150, 1e150  # factors, and a product of them, that stay far inside the range of a double


@njit(cache=True, inline="always")
def log_rising(x: float, n: int) -> float:
    """Log of Γ(x + n) / Γ(x)."""
    return math.lgamma(x + n) - math.lgamma(x)


@njit(cache=True)
def log_product(counts: I64 | Counts, prior: F64) -> float:
    """Sum over the bins of `log_rising`.

    Args:
        counts: integers[bins].
        prior: f64[bins], pseudo-counts.
    """
    out, product = 0.0, 1.0
    for j in range(counts.shape[0]):
        if counts[j] > _SMALL:
            out += log_rising(prior[j], counts[j])
        elif counts[j] > 0:  # most bins are empty, and an empty bin says nothing
            # Γ(x + n) / Γ(x) is a product, and one logarithm does for several bins.
            for k in range(counts[j]):
                product *= prior[j] + k
            if not _TINY < product < _HUGE:
                out += math.log(product)
                product = 1.0
    return out + math.log(product)


@njit(cache=True)
def log_marginal_row(counts: I64 | Counts, prior: F64) -> float:
    """`log_marginal` of one row, for other kernels.

    Args:
        counts: integers[bins].
        prior: f64[bins], pseudo-counts.
    """
    seen, whole = 0, 0.0
    for j in range(counts.shape[0]):
        whole += prior[j]
        seen += counts[j]
    return log_product(counts, prior) - (log_rising(whole, seen) if seen > 0 else 0.0)


@njit(cache=True, nogil=True)
def _log_marginal(counts: I64 | Counts, alpha: F64, out: F64) -> None:
    for i in range(counts.shape[0]):
        out[i] = log_marginal_row(counts[i], alpha[min(i, alpha.shape[0] - 1)])


def log_marginal(counts: I64 | Counts, alpha: F64) -> F64:
    """Log probability of each row of counts under a Dirichlet-multinomial (Minka 2000), up to what cancels.

    Args:
        counts: i64[n, bins].
        alpha: f64[n or 1, bins], pseudo-counts.
    """
    out = np.empty(counts.shape[0])
    _log_marginal(counts, alpha, out)
    return out


def anybody(everybody: F64) -> F64:
    """Pseudo-counts of what is known of a person's lengths before any were seen; f64[1, bins].

    Args:
        everybody: f64[bins], requests by length of all accounts.
    """
    return PRIOR * ((everybody + 1.0) / (everybody + 1.0).sum())[None, :]


def _evidence(v: ClusterView, each: I64, everybody: F64) -> F64:
    alpha = anybody(everybody)
    return log_marginal(v.joined(each), alpha) - v.total(log_marginal(each, alpha))


@cluster_feature(
    "twin_evidence",
    "nats",
    "log Bayes factor of one source of lengths, over members",
    ("input_tokens",),
    "one generator",
)
def twin_evidence(v: ClusterView) -> F64:
    """How much better one common distribution of input and output lengths explains the members than one each; nats a member."""
    both = _evidence(v, v.each.lengths_in, v.population.lengths_in) + _evidence(
        v, v.each.lengths_out, v.population.lengths_out
    )
    return both / np.maximum(v.size - 1.0, 1.0)


# Pseudo-requests that the others' lengths are worth: members of one pool stray a little, people of one habit stray more.
_POOL, _PEOPLE = 400.0, 30.0
_LANES = 8
_ROUNDING = 0.01  # so that what no other member has is not impossible


@njit(cache=True)
def _added(values: F64) -> float:
    """Sum in eight lanes, as NumPy adds up a short row."""
    lanes, whole = np.zeros(_LANES), values.shape[0] // _LANES * _LANES
    for j in range(whole):
        lanes[j % _LANES] += values[j]
    out = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]))
    for j in range(whole, values.shape[0]):
        out += values[j]
    return out


@njit(cache=True, nogil=True)
def _one_generator(each: I64 | Counts, joined: I64, offsets: I64, out: F64) -> None:
    others, pool, people = np.empty(each.shape[1]), np.empty(each.shape[1]), np.empty(each.shape[1])
    for g in range(joined.shape[0]):
        for i in range(offsets[g], offsets[g + 1]):
            for j in range(others.shape[0]):
                others[j] = joined[g, j] - each[i, j] + _ROUNDING
            whole = _added(others)
            for j in range(others.shape[0]):
                share = others[j] / whole
                pool[j], people[j] = _POOL * share, _PEOPLE * share
            out[i] = log_marginal_row(each[i], pool) - log_marginal_row(each[i], people)


def one_generator(each: I64 | Counts, offsets: I64) -> F64:
    """Log Bayes factor of each member's lengths: near those of the other members, against strayed as people's; f64[members].

    Args:
        each: i64[members, bins], clusters one after the other.
        offsets: i64[clusters + 1].
    """
    out = np.empty(each.shape[0])
    _one_generator(each, np.add.reduceat(each, offsets[:-1], axis=0), offsets, out)
    return out


@cluster_feature(
    "generator_evidence",
    "nats",
    "log Bayes factor of lengths as near as a pool's against people's, over members",
    ("input_tokens",),
    "one generator",
)
def generator_evidence(v: ClusterView) -> F64:
    """How much nearer the members' lengths are to each other than those of people of one habit; nats a member."""
    return v.mean(one_generator(v.each.lengths_in, v.offsets) + one_generator(v.each.lengths_out, v.offsets))
