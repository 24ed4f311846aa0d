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
SMALL, TINY, HUGE = 16, 1e-150, 1e150  # factors, and a product of them, that stay far inside the range of a double


@njit(cache=True, inline="always")
def log_rising(x: float, n: int) -> float:
    """Log of Γ(x + n) / Γ(x)."""
    return math.lgamma(x + n) - math.lgamma(x)


@njit(cache=True, nogil=True)
def _log_marginal(counts: I64 | Counts, alpha: F64, out: F64) -> None:
    for i in range(counts.shape[0]):
        a = min(i, alpha.shape[0] - 1)
        seen, whole, own, product = 0, 0.0, 0.0, 1.0
        for j in range(counts.shape[1]):
            prior, count = alpha[a, j], counts[i, j]
            whole += prior
            seen += count
            if count > SMALL:
                own += log_rising(prior, count)
            elif count > 0:  # most bins are empty, and an empty bin says nothing
                # Γ(x + n) / Γ(x) is a product, and one logarithm does for several bins.
                for k in range(count):
                    product *= prior + k
                if not TINY < product < HUGE:
                    own += math.log(product)
                    product = 1.0
        out[i] = own + math.log(product) - (log_rising(whole, seen) if seen > 0 else 0.0)


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
_ROUNDING = 0.01  # so that what no other member has is not impossible


def one_generator(each: I64 | Counts, offsets: I64) -> F64:
    """Log Bayes factor of each member's lengths: near those of the other members, against strayed as people's; f64[members].

    Args:
        each: i64[members, bins], clusters one after the other.
        offsets: i64[clusters + 1].
    """
    joined = np.add.reduceat(each, offsets[:-1], axis=0)
    others = np.repeat(joined, np.diff(offsets), axis=0) - each + _ROUNDING
    shares = others / others.sum(axis=1, keepdims=True)
    return log_marginal(each, _POOL * shares) - log_marginal(each, _PEOPLE * shares)


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
