"""One operator or many people: do the members' lengths come from one distribution, and are their volumes level?"""

import math

import numpy as np
from numba import njit
from scipy.special import gammaln

from detector.coordination.features.base import ClusterView, cluster_feature
from detector.profiles.layout import COUNT, DAY_US, F64, I64

# Pseudo-requests of the prior: how far one person's lengths stray from everybody's. Larger would ask for more requests before two
# members look alike; the rules compare with benign clusters, so that only its order of magnitude matters.
PRIOR = 8.0
_SMALL, _TINY, _HUGE = 16, 1e-150, 1e150  # factors, and a product of them, that stay far inside the range of a double


@njit(cache=True, inline="always")
def _log_rising(x: float, n: int) -> float:
    """Log of Γ(x + n) / Γ(x)."""
    return math.lgamma(x + n) - math.lgamma(x)


@njit(cache=True, nogil=True)
def _log_marginal(counts: I64, alpha: F64, out: F64) -> None:
    for i in range(counts.shape[0]):
        a = min(i, alpha.shape[0] - 1)
        seen, whole, own, product = 0, 0.0, 0.0, 1.0
        for j in range(counts.shape[1]):
            prior, count = alpha[a, j], counts[i, j]
            whole += prior
            seen += count
            if count > _SMALL:
                own += _log_rising(prior, count)
            elif count > 0:  # most bins are empty, and an empty bin says nothing
                # Γ(x + n) / Γ(x) is a product, and one logarithm does for several bins.
                for k in range(count):
                    product *= prior + k
                if not _TINY < product < _HUGE:
                    own += math.log(product)
                    product = 1.0
        out[i] = own + math.log(product) - (_log_rising(whole, seen) if seen > 0 else 0.0)


def log_marginal(counts: I64, alpha: F64) -> F64:
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


# Shapes of the gamma distributions of rates: people and products differ by about their mean (CV 1), accounts under one scheduler
# by a third of it (CV 0.3).
PEOPLE, SCHEDULER = 1.0, 10.0
# An account comes into a cluster by what it repeats: those with fewer requests are not seen, and their absence proves nothing.
_SEEN = 2.0
_LEAST_MEAN = 0.25


def _log_counts(counts: F64, mean: F64, shape: float) -> F64:
    """Log probability of each count when rates are gamma-distributed: a negative binomial, up to what cancels."""
    return np.asarray(
        gammaln(shape + counts)
        - gammaln(shape)
        + shape * np.log(shape / (shape + mean))
        + counts * np.log(mean / (shape + mean)),
        np.float64,
    )


def log_level(counts: F64, mean: F64) -> F64:
    """Log Bayes factor of each count: a levelled rate against a rate as unequal as people's, given that it is seen at all.

    Args:
        counts: f64[n], requests.
        mean: f64[n], expected under the cluster's rate.
    """
    least = np.minimum(counts, _SEEN)
    idle = (SCHEDULER / (SCHEDULER + mean)) ** SCHEDULER
    unseen = np.where(least > 1.0, idle * (1.0 + SCHEDULER * mean / (SCHEDULER + mean)), idle)
    levelled = _log_counts(counts, mean, SCHEDULER) - np.log(np.maximum(1.0 - unseen, 1e-12))
    # Without what is not seen, a geometric distribution is the same one, moved.
    return np.asarray(levelled) - (
        _log_counts(counts - least, np.maximum(mean - least, _LEAST_MEAN), PEOPLE)
        + gammaln(counts + 1.0)
        - gammaln(counts - least + 1.0)
    )


def levelled(v: ClusterView) -> tuple[F64, F64]:
    """Log Bayes factors of each member's volume, and of its volume a day; f64[members] each."""
    counts = v.each.counts[:, COUNT["requests"]].astype(np.float64)
    # A pool that was replaced has stopped, not slowed down.
    days = np.maximum((v.each.last - v.each.first) / DAY_US, 1.0)

    def against(exposure: F64) -> F64:
        return log_level(counts, np.maximum(v.expected(counts, exposure), 1e-9))

    return against(np.ones_like(counts)), against(days)


@cluster_feature(
    "level_evidence", "nats", "log Bayes factor of level volumes against people's", (), "load spread by a machine"
)
def level_evidence(v: ClusterView) -> F64:
    """How much better levelled rates explain the members' request counts than rates as unequal as people's; nats in all.

    Of the volumes, and of the volumes a day, whichever is more level: a pool that started together, or accounts that replace each
    other. Few members or few requests give little either way.
    """
    volume, rate = levelled(v)
    return np.maximum(v.total(volume), v.total(rate))
