"""Scores: rules over features, added up in nats, turned into p-values by the benign reference; of accounts, strangeness beside."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from detector.profiles.layout import F64, Flags
from detector.scoring.anomaly.model import AnomalyModel, strata_of
from detector.scoring.combined import combined, of_rules
from detector.scoring.reference import Reference, stratum_of
from detector.scoring.rules import ACCOUNT_WINDOW, CLUSTER_WINDOW, Rule
from detector.scoring.rules.evaluate import RuleSet

ACCOUNT, CLUSTER = ACCOUNT_WINDOW, CLUSTER_WINDOW
_REMEMBERED: Final = 4096  # alerted clusters show the same few combinations of rules look after look


class Row(NamedTuple):
    """What the rules saw of one entity, and said.

    Attributes:
        stratum: of the entity.
        values: f64[fields], of `RuleSet.fields`; NaN where unknown.
        contributions: f64[rules], nats.
    """

    stratum: str
    values: F64
    contributions: F64


@dataclass(frozen=True)
class Scored:
    """A frame of features with its scores.

    Attributes:
        frame: one row an entity, features and `stratum`.
        fired: one Boolean column a rule.
        contributions: f64[n, rules], nats of each rule; rows add up to `score`.
        score: f64[n], nats.
        p_value: f64[n]; of accounts, rules and strangeness together.
        strange: f64[n], p-values of the anomaly model, 1 without one.
        strangeness: f64[n], its scores in nats, 0 without one.
        values: f64[n, fields], of `RuleSet.fields`; NaN where unknown.
    """

    frame: pl.DataFrame
    fired: pl.DataFrame
    contributions: F64
    score: F64
    p_value: F64
    strange: F64
    strangeness: F64
    values: F64

    def row(self, i: int) -> Row:
        """One entity, without a hold on the others."""
        return Row(str(self.frame["stratum"][i]), self.values[i].copy(), self.contributions[i].copy())

    def run(self, start: int, stop: int) -> "Scored":
        """Entities that lie one after the other, without a copy."""
        part, n = slice(start, stop), stop - start
        return Scored(
            self.frame.slice(start, n),
            self.fired.slice(start, n),
            self.contributions[part],
            self.score[part],
            self.p_value[part],
            self.strange[part],
            self.strangeness[part],
            self.values[part],
        )


class Scorer:
    """Rules, their reference and the anomaly model, compiled once.

    Args:
        account: rules of the account window.
        cluster: rules of the cluster window.
        reference: benign quantiles and null scores.
        anomaly: of accounts; without, rules alone judge them.
    """

    def __init__(
        self, account: RuleSet, cluster: RuleSet, reference: Reference, anomaly: AnomalyModel | None = None
    ) -> None:
        self.rules = {ACCOUNT: account, CLUSTER: cluster}
        self.reference = reference
        self.anomaly = anomaly
        self._without: dict[tuple[str, bytes], F64] = {}
        # Measured with this very model, on one's own traffic or by those who made it; without, what it says has no p-value.
        measured = reference.anomaly if anomaly is not None else None
        own = measured is not None and anomaly is not None and measured.model == anomaly.digest
        self.weeks = (measured.weeks if own and measured else anomaly.weeks) if anomaly else {}

    @property
    def every_rule(self) -> list[Rule]:
        """Rules of both categories."""
        return [rule for of in self.rules.values() for rule in of.rules]

    def score(self, frame: pl.DataFrame, category: str) -> Scored:
        """Score entities.

        Args:
            frame: one row an entity, one Float64 column a feature.
            category: `ACCOUNT` or `CLUSTER`.
        """
        frame = frame.with_columns(stratum_of(frame))
        rules = self.rules[category]
        fired = rules.fired(frame)
        contributions = rules.contributions(fired)
        score = contributions.sum(axis=1)
        p_value = self.p_value(category, score)
        strange, strangeness = self._strange(frame, category)
        together = combined(p_value, strange)
        return Scored(frame, fired, contributions, score, together, strange, strangeness, rules.values(frame))

    def p_value(self, category: str, score: F64) -> F64:
        """p-values of what rules score, beside a model's where there is one; 1 where nothing fired."""
        out = np.ones(score.size)
        some = score > 0
        out[some] = self.reference.p_values(category, score[some])
        return of_rules(out) if category == ACCOUNT and self.weeks else out

    def without(self, category: str, hits: Flags) -> F64:
        """p-values of what the rules that fired on a row score without each of all rules; f64[rules].

        Args:
            category: `ACCOUNT` or `CLUSTER`.
            hits: bool[rules], which ones fired.
        """
        key = category, hits.tobytes()
        if key not in self._without:
            if len(self._without) >= _REMEMBERED:
                self._without.clear()
            self._without[key] = self.p_value(category, self.rules[category].without(hits))
        return self._without[key]

    def _strange(self, frame: pl.DataFrame, category: str) -> tuple[F64, F64]:
        """p-values and scores of the anomaly model."""
        p_value = np.ones(frame.height)
        if category != ACCOUNT or self.anomaly is None:
            return p_value, np.zeros(frame.height)
        strata = strata_of(frame)
        scores = self.anomaly.strangeness(frame)
        for name, week in self.weeks.items():
            rows = np.flatnonzero(strata == name)
            p_value[rows] = week.p_values(scores[rows])
        return p_value, scores
