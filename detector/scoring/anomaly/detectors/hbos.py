"""Densities of each feature's histogram, added up."""

from typing import ClassVar

from pyod.models.hbos import HBOS

from detector.profiles.layout import F64
from detector.scoring.anomaly.base import Detector, Score

_BINS = 20


class Histograms(Detector):
    """pyod's HBOS (Goldstein and Dengel 2012)."""

    name: ClassVar = "hbos"
    contamination_loss: ClassVar = 0.05

    @property
    def params(self) -> dict[str, float]:
        """Bins a feature."""
        return {"bins": _BINS}

    def _learn(self, z: F64) -> Score:
        model = HBOS(n_bins=_BINS).fit(z)
        return model.decision_function
