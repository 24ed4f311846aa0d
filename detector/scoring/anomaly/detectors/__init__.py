"""The registry: a new detector is a file here and a line below."""

from collections.abc import Sequence
from typing import Final

from detector.scoring.anomaly.base import Detector
from detector.scoring.anomaly.detectors.autoencoder import Autoencoder
from detector.scoring.anomaly.detectors.ecod import TailProbabilities
from detector.scoring.anomaly.detectors.hbos import Histograms
from detector.scoring.anomaly.detectors.iforest import IsolationForest
from detector.scoring.anomaly.detectors.mixture import Mixture
from detector.scoring.anomaly.detectors.neighbours import Neighbours

REGISTRY: Final[dict[str, type[Detector]]] = {
    TailProbabilities.name: TailProbabilities,
    Histograms.name: Histograms,
    IsolationForest.name: IsolationForest,
    Neighbours.name: Neighbours,
    Mixture.name: Mixture,
    Autoencoder.name: Autoencoder,
}
DEFAULT: Final = ("ecod", "hbos", "iforest", "knn", "mixture")  # what needs no extra


def make(names: Sequence[str], seed: int) -> list[Detector]:
    """Detectors by name.

    Raises:
        ValueError: a name is unknown, or there is none.
    """
    unknown = [name for name in names if name not in REGISTRY]
    if unknown or not names:
        raise ValueError(f"no detector {', '.join(unknown) or 'named'}; there are {', '.join(REGISTRY)}")
    return [REGISTRY[name](seed) for name in names]
