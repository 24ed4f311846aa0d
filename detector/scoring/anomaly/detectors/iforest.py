"""Isolation by random cuts."""

from typing import ClassVar

from pyod.models.iforest import IForest

from detector.profiles.layout import F64
from detector.scoring.anomaly.base import Detector, Score

_TREES = 200


class IsolationForest(Detector):
    """pyod's isolation forest (Liu, Ting and Zhou 2008)."""

    name: ClassVar = "iforest"
    contamination_loss: ClassVar = 0.05

    @property
    def params(self) -> dict[str, float]:
        """Trees of the forest."""
        return {"trees": _TREES}

    def _learn(self, z: F64) -> Score:
        model = IForest(n_estimators=_TREES, random_state=self.seed).fit(z)
        return model.decision_function
