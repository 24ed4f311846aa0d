"""PRADA: do an account's queries lie at distances that natural ones would have?"""

from typing import ClassVar

import numpy as np
import polars as pl
from scipy.stats import shapiro

from benchmarks.detection.base import Case, Ranker
from benchmarks.detection.texts import F32, F64, Texts, hashed_texts, suspicions

LEAST = 100
"""Queries before the first test, as published."""

STEP = 50
"""Queries from test to test."""

MOST = 600
"""Queries of an account that are read: distances are quadratic in it."""

NORMAL = 0.95
"""The W below which distances are not normal, of the published range (.90–.96)."""


class Prada(Ranker):
    """Juuti et al., "PRADA: protecting against DNN model stealing attacks", EuroS&P 2019.

    Each query has a distance to the nearest earlier one of the same client. Natural queries give distances close to a normal
    distribution; the Shapiro–Wilk statistic W says how close. Distances beyond three standard deviations are left out first. A
    language model has no classes, so that all queries of an account are one growing set; the vectors are of hashed words.
    """

    label: ClassVar[str] = "PRADA"
    own: ClassVar[float | None] = 1.0 - NORMAL

    def prepare(self, case: Case) -> Texts:
        """Vectors of hashed words and pairs of words."""
        return hashed_texts(case, (1, 2), 512)

    def rank(self, prepared: Texts, without: frozenset[str]) -> pl.DataFrame:
        """1 − W at every `STEP` queries from `LEAST` on."""
        del without
        parts = []
        for account, rows in prepared.runs(LEAST + 1):
            bound = slice(rows.start, min(rows.stop, rows.start + MOST))
            nearest = nearest_earlier(prepared.dense(bound))
            tests = np.arange(LEAST, nearest.size + 1, STEP)
            parts.append((account, prepared.at[bound][tests], np.array([strangeness(nearest[:n]) for n in tests])))
        return suspicions(parts)


def nearest_earlier(vectors: F32) -> F64:
    """Euclidean distance of each vector but the first to the nearest earlier one."""
    norms = (vectors * vectors).sum(axis=1)
    squares = norms[:, None] + norms[None, :] - 2.0 * (vectors @ vectors.T)
    squares[np.triu_indices(norms.size)] = np.inf
    return np.sqrt(np.maximum(squares[1:].min(axis=1), 0.0)).astype(np.float64)


def strangeness(distances: F64) -> float:
    """1 − W of distances without outliers; 1 where all are the same, which no natural client's are."""
    mean, spread = distances.mean(), distances.std()
    kept = distances[np.abs(distances - mean) <= 3.0 * spread]
    if np.ptp(kept) < 1e-6:  # noqa: PLR2004 - rounding
        return 1.0
    return 1.0 - float(shapiro(kept).statistic)
