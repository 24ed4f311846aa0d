"""Fits the anomaly model of a deployment."""

from collections.abc import Sequence

import polars as pl

from detector.scoring.anomaly.detectors import DEFAULT, REGISTRY
from detector.scoring.anomaly.distilled import distil
from detector.scoring.anomaly.drift import DriftReference
from detector.scoring.anomaly.model import AnomalyModel, Recipe, matrix, strata_of


def fit(
    frame: pl.DataFrame, features: Sequence[str], detectors: Sequence[str] = DEFAULT, seed: int = 0
) -> AnomalyModel:
    """Fit and distil on accounts.

    Args:
        frame: one row an account, feature columns and `stratum`.
        features: names of the columns to learn from.
        detectors: of the teacher.
        seed: of everything that is drawn.

    Raises:
        ValueError: there are too few accounts, or a detector is unknown.
    """
    x = matrix(frame, features)
    student = distil(x, strata_of(frame), features, detectors, seed)
    params = {name: REGISTRY[name](seed).params for name in detectors}
    return AnomalyModel(student, DriftReference.of(x), Recipe(params, seed, x.shape[0]))
