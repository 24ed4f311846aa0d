"""Count, and flag whoever is above a threshold: what every gateway can do (`detector.evaluation.volume`)."""

from typing import ClassVar

import polars as pl

from benchmarks.detection.base import Case, Ranker
from detector.evaluation.log import RequestLog
from detector.evaluation.volume import running_days


class _Daily(Ranker):
    """Counts since midnight UTC; an account is named by the exchange that takes it past the threshold."""

    unit: ClassVar[str]

    def prepare(self, case: Case) -> pl.DataFrame:
        """The running count at each exchange."""
        return running_days(RequestLog(case.requests)).collect()

    def rank(self, prepared: pl.DataFrame, without: frozenset[str]) -> pl.DataFrame:
        """That count is the score; nothing is fitted."""
        del without
        return prepared.select("account_id", pl.col("moment").alias("at"), pl.col(self.unit).alias("score"))


class DailyRequests(_Daily):
    """Requests a day."""

    label: ClassVar[str] = "volume: requests a day"
    unit: ClassVar[str] = "requests"


class DailyTokens(_Daily):
    """Input and output tokens a day."""

    label: ClassVar[str] = "volume: tokens a day"
    unit: ClassVar[str] = "tokens"
