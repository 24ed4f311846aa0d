"""Has traffic moved away from what a model was fitted on? Population stability of each feature."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from scipy.special import chdtri

from detector.profiles.layout import F64
from detector.scoring.anomaly.prepare import finite_of

BINS: Final = 10
# A stability index above it is a large shift, by the convention of credit scoring (Siddiqi 2006, Credit Risk Scorecards).
LARGE: Final = 0.25
# Chance that a feature which did not move is called drifted: in small samples the index is large by itself, about χ² times
# (1/n + 1/m) (Yurdakul and Naranjo 2020), and that quantile is the threshold where it is above `LARGE`.
BY_CHANCE: Final = 1e-4
# Share of the features that must have moved before it is worth to fit again; a launch moves a few by itself.
MOVED: Final = 0.1


@dataclass(frozen=True)
class Drift:
    """How far traffic moved.

    Attributes:
        index: f64[features], population stability indices.
        threshold: above which a feature drifted, for the rows at hand.
    """

    index: F64
    threshold: float

    @property
    def drifted(self) -> list[int]:
        """Columns that drifted, furthest first."""
        order = np.argsort(-self.index, kind="stable")
        return [int(j) for j in order if self.index[j] > self.threshold]

    @property
    def due(self) -> bool:
        """Whether the model should be fitted again."""
        return len(self.drifted) > MOVED * self.index.size


@dataclass(frozen=True)
class DriftReference:
    """Distribution of each feature at the fit: counts between deciles, and of unknown values.

    Attributes:
        edges: f64[features, bins − 1], ascending.
        counts: f64[features, bins + 1], the last column for unknown.
    """

    edges: F64
    counts: F64

    @classmethod
    def of(cls, x: F64) -> Self:
        """Distribution of the rows of a fit.

        Args:
            x: f64[rows, features], NaN where unknown.
        """
        edges = np.nanquantile(finite_of(x), np.arange(1, BINS) / BINS, axis=0).T.copy()
        return cls(edges, _counts(edges, x))

    def drift(self, x: F64) -> Drift:
        """Compare rows with those of the fit.

        Args:
            x: f64[rows, features], NaN where unknown.
        """
        then, now = (_shares(c) for c in (self.counts, _counts(self.edges, x)))
        index = ((now - then) * np.log(now / then)).sum(axis=1)
        noise = 1.0 / max(1.0, self.counts[0].sum()) + 1.0 / max(1, x.shape[0])
        return Drift(index, max(LARGE, float(chdtri(BINS, BY_CHANCE)) * noise))


def _counts(edges: F64, x: F64) -> F64:
    counts = np.zeros((x.shape[1], BINS + 1))
    for j in range(x.shape[1]):
        column = x[:, j]
        known = column[~np.isnan(column)]
        counts[j, :BINS] = np.bincount(np.searchsorted(edges[j], known, side="left"), minlength=BINS)
        counts[j, BINS] = column.size - known.size
    return counts


def _shares(counts: F64) -> F64:
    """Shares, half a row more in every bin so that logarithms exist."""
    return (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True)
