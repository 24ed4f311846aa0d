"""SEAT: does an account send many pairs of similar queries?"""

from typing import ClassVar

import numpy as np
import polars as pl

from benchmarks.detection.base import Case, Ranker
from benchmarks.detection.texts import Texts, hashed_texts, suspicions

SIMILAR = 0.9
"""Cosine from which on two queries are a pair."""

MOST = 800
"""Queries of an account that are read: pairs are quadratic in it."""


class Seat(Ranker):
    """Zhang, Chen, Wagner, "SEAT: similarity encoder by adversarial training", AISec 2021.

    An extraction attack perturbs and reuses queries; an account with many pairs of similar ones is cancelled. The encoder was
    trained for images; here hashed shingles of three words stand for it. The number of queries with a similar earlier one is the
    score; the published threshold was chosen for its own data, so that there is none to take over.
    """

    label: ClassVar[str] = "SEAT-like similar pairs"

    def prepare(self, case: Case) -> Texts:
        """Vectors of hashed shingles."""
        return hashed_texts(case, (3, 3), 4096)

    def rank(self, prepared: Texts, without: frozenset[str]) -> pl.DataFrame:
        """Queries so far that have a similar earlier one."""
        del without
        parts = []
        for account, rows in prepared.runs(2):
            bound = slice(rows.start, min(rows.stop, rows.start + MOST))
            taken = prepared.vectors[prepared.which[bound]]
            similar = np.tril((taken @ taken.T).toarray() >= SIMILAR, k=-1).any(axis=1)
            parts.append((account, prepared.at[bound], np.cumsum(similar, dtype=np.float64)))
        return suspicions(parts).filter(pl.col("score") > 0)
