"""How unlikely a row is under a mixture of normals: combinations that are odd though every number is ordinary."""

from typing import ClassVar

import numpy as np
from sklearn.mixture import GaussianMixture

from detector.profiles.layout import F64
from detector.scoring.anomaly.base import Detector, Score

_COMPONENTS = 8
_ROWS_EACH = 50  # a component that few rows support fits itself around strangers
_RIDGE = 0.1  # added to every variance, in squared robust deviations


class Mixture(Detector):
    """scikit-learn's Gaussian mixture, scored by negative log-likelihood in nats."""

    name: ClassVar = "mixture"
    contamination_loss: ClassVar = 0.04

    @property
    def params(self) -> dict[str, float]:
        """Components and ridge."""
        return {"components": _COMPONENTS, "ridge": _RIDGE}

    def _learn(self, z: F64) -> Score:
        components = max(1, min(_COMPONENTS, np.unique(z, axis=0).shape[0] // _ROWS_EACH))
        model = GaussianMixture(
            components, covariance_type="diag", reg_covar=_RIDGE, random_state=self.seed, max_iter=200, tol=1e-2
        )
        model.fit(z)
        return lambda q: -model.score_samples(q)
