"""The teacher: an ensemble of detectors, fitted against strangers in its own data, whose scores are calibrated by rank."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from detector.profiles.layout import F64
from detector.scoring.anomaly import conformal
from detector.scoring.anomaly.base import FEW, Strata
from detector.scoring.anomaly.detectors import DEFAULT, make

FITTED: Final = (
    0.6  # of the rows fit the detectors; half of the rest rank each detector's scores, half the combination's
)
STRANGE: Final = 0.1  # a detector calls this share of a stratum strange
LEAST: Final = FEW  # rows without which there is no teacher


class Teacher:
    """Detectors by stratum, their p-values, and one score from them.

    Strangers in the rows hide each other (masking). So what most detectors call strange is left out, and they are fitted again on
    the rest. The rows that give the p-values are never trimmed: what is left out there would make everybody else look strange.

    Args:
        detectors: names in the registry.
        seed: of splits and detectors.

    Raises:
        ValueError: a detector is unknown.
    """

    def __init__(self, detectors: Sequence[str] = DEFAULT, seed: int = 0) -> None:
        self.seed = seed
        self.detectors = make(detectors, seed)
        self.trimmed = 0.0
        self._nulls: list[dict[str, F64]] = []
        self._combined: dict[str, F64] = {}

    def fit(self, x: F64, strata: Strata) -> None:
        """Fit, trim, fit again, calibrate.

        Args:
            x: f64[rows, features], NaN where unknown.
            strata: stratum of each row.

        Raises:
            ValueError: there are too few rows.
        """
        if x.shape[0] < LEAST:
            raise ValueError(f"{x.shape[0]} accounts are too few to learn from; at least {LEAST} are needed")
        order = np.lexsort((*x.T, strata.astype(str)))
        x, strata = x[order], strata[order]
        fitted, ranked, combined = split(strata, (FITTED, (1 - FITTED) / 2, (1 - FITTED) / 2), self.seed)
        self._fit(x[fitted], strata[fitted])
        self._nulls = [
            conformal.nulls(detector.score, self.models, x[ranked], strata[ranked]) for detector in self.detectors
        ]
        self._combined = conformal.nulls(self.score, self.models, x[combined], strata[combined])

    @property
    def models(self) -> frozenset[str]:
        """Strata with models of their own."""
        return self.detectors[0].strata

    def detector_p_values(self, x: F64, strata: Strata | None) -> F64:
        """f64[rows, detectors], each detector's p-value by rank."""
        groups = self.detectors[0].groups(x.shape[0], strata)
        columns = [
            conformal.by_group(null, detector.score(x, strata), groups)
            for detector, null in zip(self.detectors, self._nulls, strict=True)
        ]
        return np.column_stack(columns)

    def score(self, x: F64, strata: Strata | None) -> F64:
        """Mean of −ln p over the detectors, nats; comparable between strata.

        Detectors agree more than independent tests would, so that the sum has no known law (Fisher's would be too bold);
        `p_value` therefore ranks it again.
        """
        return -np.log(self.detector_p_values(x, strata)).mean(axis=1)

    def p_value(self, x: F64, strata: Strata) -> F64:
        """p-values of the combined score, by rank among rows that neither fitted nor ranked a detector."""
        return conformal.by_group(self._combined, self.score(x, strata), self.detectors[0].groups(x.shape[0], strata))

    def _fit(self, x: F64, strata: Strata) -> None:
        for detector in self.detectors:
            detector.fit(x, strata)
        kept = ~self._strange(x, strata)
        self.trimmed = 1.0 - float(kept.mean())
        for detector in self.detectors:
            detector.fit(x[kept], strata[kept])

    def _strange(self, x: F64, strata: Strata) -> npt.NDArray[np.bool_]:
        """Rows that more than half of the detectors put among the strangest of their stratum."""
        groups = self.detectors[0].groups(x.shape[0], strata)
        votes = np.zeros(x.shape[0], np.int64)
        for detector in self.detectors:
            scores = detector.score(x, strata)
            for rows in groups.values():
                votes[rows] += scores[rows] > np.quantile(scores[rows], 1.0 - STRANGE)
        return votes * 2 > len(self.detectors)


def split(strata: Strata, shares: Sequence[float], seed: int) -> list[npt.NDArray[np.intp]]:
    """Disjoint parts of the rows, each with its share of every stratum.

    Args:
        strata: stratum of each row.
        shares: of the parts, together 1.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    place = np.empty(strata.size)
    for name in np.unique(strata.astype(str)):
        rows = np.flatnonzero(strata == name)
        # A random start lets strata of one or two rows fall into every part with its share.
        place[rng.permutation(rows)] = (np.arange(rows.size) + rng.random()) / rows.size % 1.0
    part = np.searchsorted(np.cumsum(shares)[:-1], place, side="right")
    return [np.flatnonzero(part == i) for i in range(len(shares))]
