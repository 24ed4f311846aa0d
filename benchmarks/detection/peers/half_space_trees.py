"""Half-space trees of river on daily aggregates, in the order in which days end."""

from typing import ClassVar

import polars as pl
from river.anomaly import HalfSpaceTrees
from river.preprocessing import MinMaxScaler

from benchmarks.detection.base import Case, Ranker
from benchmarks.detection.daily import KEYS, daily

TREES, SEED = 25, 0


class HalfSpace(Ranker):
    """Tan, Ting, Liu, "Fast anomaly detection for streaming data", IJCAI 2011: random cuts, masses of the window before.

    Each day is scored first and learnt then, without labels; days of accounts that are left out are only scored.
    """

    label: ClassVar[str] = "river HalfSpaceTrees, daily"
    fitted: ClassVar[bool] = True

    def prepare(self, case: Case) -> pl.DataFrame:
        """The daily aggregates."""
        return daily(case)

    def rank(self, prepared: pl.DataFrame, without: frozenset[str]) -> pl.DataFrame:
        """The anomaly score of each day, in [0, 1]."""
        scaler, trees = MinMaxScaler(), HalfSpaceTrees(n_trees=TREES, seed=SEED)
        scores = []
        for account, row in zip(prepared["account_id"], prepared.drop(KEYS).iter_rows(named=True), strict=True):
            if account in without:
                scores.append(trees.score_one(scaler.transform_one(row)))
                continue
            scaler.learn_one(row)
            scaled = scaler.transform_one(row)
            scores.append(trees.score_one(scaled))
            trees.learn_one(scaled)
        return prepared.select(KEYS).with_columns(pl.Series("score", scores, dtype=pl.Float64))
