"""One shape for all detectors: fit on features by stratum, score, higher is stranger. And the registry of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from detector.profiles.layout import F64
from detector.scoring.anomaly.prepare import Preparation

FEW = 100  # rows; a stratum with fewer is judged by the model of all rows
MOST = 20_000  # rows of a stratum that a model is fitted on, drawn at random; neighbours cost the square of them
ALL = ""  # the model of all rows

Strata = npt.NDArray[np.object_]
Score = Callable[[F64], F64]


class Detector(ABC):
    """A detector of strange rows; it learns one model a stratum.

    What it promises, for every subclass (`tests/anomaly/test_contract.py` holds it): the same seed gives the same bits; the order of
    rows does not matter; a row's score depends on no other row that is scored with it; NaN is no evidence; scores are finite.

    Args:
        seed: of whatever is drawn at random.
    """

    name: ClassVar[str]
    contamination_loss: ClassVar[float]  # AUC that may be lost when 30 % of the rows of the fit are scattered strangers

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._models: dict[str, tuple[Preparation, Score]] = {}

    @property
    def params(self) -> dict[str, float]:
        """Numbers that, with the seed and the rows, settle the fitted model."""
        return {}

    @property
    def strata(self) -> frozenset[str]:
        """Strata with models of their own."""
        return frozenset(self._models) - {ALL}

    @abstractmethod
    def _learn(self, z: F64) -> Score:
        """Fit prepared rows.

        Args:
            z: f64[rows, columns] of one stratum, finite.

        Returns:
            A function from prepared rows to scores, higher = stranger.
        """

    def fit(self, x: F64, strata: Strata | None = None) -> None:
        """Learn what is usual, in all rows and in each stratum of at least `FEW`.

        Args:
            x: f64[rows, columns], NaN where unknown.
            strata: stratum of each row; one stratum without.

        Raises:
            ValueError: there is no row.
        """
        if x.shape[0] == 0:
            raise ValueError("there is no row to fit")
        # Sums and draws depend on the order of rows; sorted, every order gives the same model.
        order = np.lexsort(x.T)
        x = x[order]
        with threadpool_limits(1):  # the order of sums, and so the last bits, would depend on the number of threads
            self._models = {ALL: self._model(x)}
            if strata is not None:
                names, counts = np.unique(strata[order].astype(str), return_counts=True)
                for name in names[counts >= FEW]:
                    self._models[str(name)] = self._model(x[strata[order] == name])

    def score(self, x: F64, strata: Strata | None = None) -> F64:
        """Strangeness of rows within their strata; scores of different strata are on different scales.

        Args:
            x: f64[rows, columns] as in `fit`.
            strata: stratum of each row; the model of all rows without.

        Raises:
            ValueError: the detector was not fitted.
        """
        if not self._models:
            raise ValueError(f"{self.name} was not fitted")
        out = np.empty(x.shape[0])
        for name, rows in self.groups(x.shape[0], strata).items():
            preparation, score = self._models[name]
            out[rows] = score(preparation.apply(x[rows]))
        return out

    def groups(self, rows: int, strata: Strata | None) -> dict[str, npt.NDArray[np.intp]]:
        """Rows by the model that judges them; rows of strata without a model of their own are together."""
        if strata is None:
            return {ALL: np.arange(rows)}
        model = np.array([s if s in self._models else ALL for s in strata], dtype=object)
        return {name: np.flatnonzero(model == name) for name in sorted(set(model))}

    def _model(self, x: F64) -> tuple[Preparation, Score]:
        if x.shape[0] > MOST:
            x = x[np.sort(np.random.default_rng(self.seed).choice(x.shape[0], MOST, replace=False))]
        if x.shape[0] == 1:
            x = np.repeat(x, 2, axis=0)  # the same distribution, which the libraries do not refuse
        preparation = Preparation.learn(x)
        return preparation, self._learn(preparation.apply(x))
