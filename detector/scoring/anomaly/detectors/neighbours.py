"""Distance to the nearest neighbours among the rows of the fit."""

from typing import ClassVar

from pyod.models.knn import KNN

from detector.profiles.layout import F64
from detector.scoring.anomaly.base import Detector, Score

_NEIGHBOURS = 30


class Neighbours(Detector):
    """pyod's kNN by mean distance (Angiulli and Pizzuti 2002)."""

    name: ClassVar = "knn"
    contamination_loss: ClassVar = 0.03

    @property
    def params(self) -> dict[str, float]:
        """Neighbours that are averaged."""
        return {"neighbours": _NEIGHBOURS}

    def _learn(self, z: F64) -> Score:
        model = KNN(n_neighbors=min(_NEIGHBOURS, max(1, z.shape[0] - 1)), method="mean").fit(z)
        return model.decision_function
