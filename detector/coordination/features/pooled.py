"""A pooled test: is what a cluster sends, all of it taken together, like what everybody sends?

The window of one account is too short for a two-sample test; a cluster has pooled the requests of all its members.
"""

import numpy as np

from detector.coordination.features.base import ClusterView, cluster_feature
from detector.profiles.layout import F64, I64, LENGTH_BINS

_WIDTH = 2.0  # bins of half an octave: lengths within a factor of two are nearly alike
_BINS = np.arange(LENGTH_BINS, dtype=np.float64)
_NEAR = np.exp(-((_BINS[:, None] - _BINS[None, :]) ** 2) / (2.0 * _WIDTH**2))


def discrepancy(counts: I64, everybody: F64, kernel: F64) -> F64:
    """Squared maximum mean discrepancy between each row's histogram and everybody's, without bias; f64[n].

    Args:
        counts: i64[n, bins].
        everybody: f64[bins], so many that its own chance does not matter.
        kernel: f64[bins, bins], likeness of two bins.

    Gretton et al., *A kernel two-sample test*, JMLR 2012, for histograms: what n draws stray by chance is taken off.
    """
    n = np.maximum(counts.sum(axis=1), 1).astype(np.float64)
    share = counts / n[:, None]
    apart = share - everybody / max(float(everybody.sum()), 1.0)
    own = np.einsum("ni,ij,nj->n", share, kernel, share)
    chance = (share @ np.diag(kernel) - own) / np.maximum(n - 1.0, 1.0)
    return np.asarray(np.einsum("ni,ij,nj->n", apart, kernel, apart) - chance, np.float64)


@cluster_feature(
    "traffic_mmd",
    "root",
    "maximum mean discrepancy of lengths and words, all members pooled, from everybody's",
    ("input_tokens",),
    "not what people and products send",
)
def traffic_mmd(v: ClusterView) -> F64:
    """Of input lengths, output lengths and hashed words, kernels added up; 0 where it is within chance.

    The test of a window of exchanges against a benign reference (arXiv 2606.05725), on a cluster in place of a window. What
    strays how far among innocent clusters of the same stratum is in the benign reference.
    """
    everybody, pooled = v.population, v.pooled
    words = np.eye(pooled.lexical.shape[1])
    squared = (
        discrepancy(pooled.lengths_in, everybody.lengths_in, _NEAR)
        + discrepancy(pooled.lengths_out, everybody.lengths_out, _NEAR)
        + discrepancy(pooled.lexical, everybody.lexical, words)
    )
    return np.sqrt(np.maximum(squared, 0.0))
