"""Tail probabilities of each feature on its own, added up in nats."""

from typing import ClassVar

import numpy as np
from pyod.models.ecod import ECOD
from scipy.stats import skew

from detector.profiles.layout import F64
from detector.scoring.anomaly.base import Detector, Score


class TailProbabilities(Detector):
    """pyod's ECOD (Li et al. 2022), scored row by row.

    pyod ranks the rows of a call among each other and the rows of the fit, so that a row's score depends on its company; here the
    distribution of the fit alone is looked up. At the rows of the fit both agree, which a test holds.
    """

    name: ClassVar = "ecod"
    contamination_loss: ClassVar = 0.25  # tails are what strangers fill first

    def _learn(self, z: F64) -> Score:
        columns = np.sort(ECOD().fit(z).X_train, axis=0)
        rows = columns.shape[0]
        with np.errstate(invalid="ignore"):
            skewness = np.sign(np.nan_to_num(_skewness(columns)))

        def score(q: F64) -> F64:
            total = np.zeros(q.shape[0])
            for j in range(columns.shape[1]):
                below = np.searchsorted(columns[:, j], q[:, j], side="right")
                above = rows - np.searchsorted(columns[:, j], q[:, j], side="left")
                left, right = (-np.log(np.maximum(n, 0.5) / rows) for n in (below, above))
                skewed = -left * np.sign(skewness[j] - 1) + right * np.sign(skewness[j] + 1)
                total += np.maximum(np.maximum(left, right), skewed)
            return total

        return score


def _skewness(columns: F64) -> F64:
    flat = np.ptp(columns, axis=0) == 0
    out = np.zeros(columns.shape[1])
    if not flat.all():
        out[~flat] = skew(columns[:, ~flat], axis=0)
    return out
