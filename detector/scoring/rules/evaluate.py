"""Evaluates rules over a frame: all rules and all rows in a few polars selects."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from detector.scoring.rules.compile import column, compile_conditions
from detector.scoring.rules.model import Quantiles, Rule
from detector.scoring.rules.saturation import Bools, Nats, Saturation
from detector.scoring.rules.tree import Benign, Compare, Operator, bound, fields, leaves, quantiles

STRATUM: Final = "stratum"
_AS_WRITTEN: Final = pl.QueryOptFlags.none()  # a tick has few rows: optimising the plan takes longer than running it


class RuleSet:
    """Rules of one category, compiled once.

    Args:
        rules: of one category; their order is the order of all columns.
        reference: benign quantiles.

    Raises:
        ValueError: the rules are of several categories, or two share a code.
    """

    def __init__(self, rules: Sequence[Rule], reference: Quantiles) -> None:
        if len({rule.category for rule in rules}) > 1:
            raise ValueError("a rule set is of one category")
        if len({rule.code for rule in rules}) < len(rules):
            raise ValueError("two rules share a code")
        self.rules = tuple(rules)
        self.reference = reference
        self.codes = tuple(rule.code for rule in rules)
        self._rule = {rule.code: rule for rule in rules}
        self.fields = sorted({name for rule in rules for name in fields(rule.condition)})
        self._quantiles = sorted({pair for rule in rules for pair in quantiles(rule.condition)})
        self._comparisons, self._conditions = compile_conditions({rule.code: rule.condition for rule in rules})
        self._saturation = Saturation(rules)
        self._asked: dict[tuple[str, str], float | None] = {}
        self._readings: dict[frozenset[str], list[pl.Expr]] = {}
        # One row a stratum met so far; the expressions themselves never change.
        self._thresholds = pl.DataFrame(schema=self._threshold_schema())

    def fired(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Which rules fire on which rows.

        Args:
            frame: one row an account or cluster, numeric columns named by feature, and `stratum`. A feature that has no
                column, is null or NaN, is unknown.

        Returns:
            One Boolean column a rule, named by its code, without nulls; rows as in `frame`.
        """
        if not self.rules:
            return pl.DataFrame(height=frame.height)
        table = self._thresholds_of(frame[STRATUM].cast(pl.String))
        return (
            frame.lazy()
            .select(self._reading(frozenset(frame.columns)))
            .join(table.lazy(), on=STRATUM, how="left", maintain_order="left")
            .select(self._comparisons)
            .select(self._conditions)
            .collect(optimizations=_AS_WRITTEN)
        )

    def values(self, frame: pl.DataFrame) -> Nats:
        """What the rules read of each row: f64[n, fields], NaN where unknown.

        Args:
            frame: as `fired` takes it.
        """
        out = np.full((frame.height, len(self.fields)), np.nan)
        known = [i for i, name in enumerate(self.fields) if name in frame.columns]
        if known:  # a frame of no column has no rows
            out[:, known] = frame.select(pl.col(self.fields[i]).cast(pl.Float64) for i in known).to_numpy()
        return out

    def contributions(self, fired: pl.DataFrame) -> Nats:
        """Nats of each rule by row, f64[n, rules]; rows add up to the score (see `saturation`).

        Args:
            fired: as `fired` gives it.
        """
        return self._saturation.contributions(self._matrix(fired))

    def without(self, hits: Bools) -> Nats:
        """Score of one row without each rule, f64[rules].

        Args:
            hits: bool[rules], which rules fired on it.
        """
        return self._saturation.without(hits[None, :])[0]

    def rule(self, code: str) -> Rule:
        """The rule of a code.

        Raises:
            KeyError: there is none.
        """
        return self._rule[code]

    def threshold(self, code: str, stratum: str) -> list[tuple[str, Operator, float | None]]:
        """What a rule compares with in a stratum, for evidence: (feature, operator, number), in the order of the rule.

        The number is None where the reference does not know it; that comparison is false.

        Raises:
            KeyError: no rule has this code.
        """
        found: list[tuple[str, Operator, float | None]] = []
        for leaf in leaves(self._rule[code].condition):
            if isinstance(leaf, Compare):
                found.append((leaf.field, leaf.operator, leaf.value))
            elif isinstance(leaf, Benign):
                found.append((leaf.field, leaf.operator, self._quantile(stratum, leaf.field, leaf.level)))
        return found

    def asked(self, code: str, stratum: str) -> float | None:
        """What a rule asks of the feature that stands beside its reason, in a stratum; None where it puts no bound on it.

        Raises:
            KeyError: no rule has this code.
        """
        # Alerts give the same few reasons look after look.
        if (code, stratum) not in self._asked:
            self._asked[code, stratum] = self._bound(self._rule[code], stratum)
        return self._asked[code, stratum]

    def _bound(self, rule: Rule, stratum: str) -> float | None:
        def number(leaf: Compare | Benign) -> float | None:
            found = leaf.value if isinstance(leaf, Compare) else self._quantile(stratum, leaf.field, leaf.level)
            return None if found is None or np.isnan(found) else found

        return bound(rule.condition, rule.feature, number, low=rule.low)

    def _reading(self, present: frozenset[str]) -> list[pl.Expr]:
        # Frames come with the same columns tick after tick, and building expressions takes as long as running them.
        if present not in self._readings:
            # NaN would compare as larger than everything.
            self._readings[present] = [pl.col(STRATUM).cast(pl.String)] + [
                pl.col(name).cast(pl.Float64).fill_nan(None)
                if name in present
                else pl.lit(None, pl.Float64).alias(name)
                for name in self.fields
            ]
        return self._readings[present]

    def _matrix(self, fired: pl.DataFrame) -> Bools:
        if not self.rules:
            return np.zeros((fired.height, 0), np.bool_)
        return fired.select(self.codes).to_numpy().astype(np.bool_, copy=False)

    def _quantile(self, stratum: str, field: str, level: str) -> float | None:
        return self.reference.quantile(self.rules[0].category, stratum, field, level)

    def _threshold_schema(self) -> dict[str, pl.DataType]:
        return {STRATUM: pl.String(), **{column(*pair): pl.Float64() for pair in self._quantiles}}

    def _thresholds_of(self, strata: pl.Series) -> pl.DataFrame:
        new = set(strata.unique().drop_nulls()) - set(self._thresholds[STRATUM])
        if new:
            rows = [(each, *(self._quantile(each, *pair) for pair in self._quantiles)) for each in sorted(new)]
            table = pl.DataFrame(rows, schema=self._threshold_schema(), orient="row")
            floats = pl.col(pl.Float64).fill_nan(None)
            self._thresholds = pl.concat([self._thresholds, table.with_columns(floats)])
        return self._thresholds


def rules_of(rules: Sequence[Rule], category: str) -> list[Rule]:
    """Rules of a category, in order."""
    return [rule for rule in rules if rule.category == category]
