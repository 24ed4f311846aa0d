"""Two detectors of pyod on daily aggregates, as a user of an anomaly library would start."""

from abc import abstractmethod
from typing import Any, ClassVar

import polars as pl
from pyod.models.ecod import ECOD
from pyod.models.iforest import IForest

from benchmarks.detection.base import Case, Ranker
from benchmarks.detection.daily import KEYS, daily

SEED = 0


class _Pyod(Ranker):
    """Fitted to the days of all accounts but those left out, without labels; a day is judged at its end."""

    fitted: ClassVar[bool] = True

    @abstractmethod
    def model(self) -> Any:  # noqa: ANN401 - pyod ships no types
        """A detector of pyod, not fitted."""

    def prepare(self, case: Case) -> pl.DataFrame:
        """The daily aggregates."""
        return daily(case)

    def rank(self, prepared: pl.DataFrame, without: frozenset[str]) -> pl.DataFrame:
        """The detector's anomaly score of each day."""
        learnt = prepared.filter(~pl.col("account_id").is_in(without)).drop(KEYS)
        varied = [
            name for name in learnt.columns if learnt[name].n_unique() > 1
        ]  # the others tell nothing, and ECOD warns
        if not varied:
            return prepared.select(KEYS).with_columns(pl.lit(0.0).alias("score"))
        model = self.model().fit(learnt.select(varied).to_numpy())
        scores = model.decision_function(prepared.select(varied).to_numpy())
        return prepared.select(KEYS).with_columns(pl.Series("score", scores))


class IsolationForest(_Pyod):
    """Liu, Ting, Zhou, "Isolation Forest", ICDM 2008: what few random cuts isolate is an outlier."""

    label: ClassVar[str] = "pyod IForest, daily"

    def model(self) -> Any:  # noqa: ANN401
        """100 trees, the default."""
        return IForest(random_state=SEED)


class Ecod(_Pyod):
    """Li et al., "ECOD", TKDE 2022: tail probabilities of each column, multiplied."""

    label: ClassVar[str] = "pyod ECOD, daily"

    def model(self) -> Any:  # noqa: ANN401
        """It has no parameters."""
        return ECOD()
