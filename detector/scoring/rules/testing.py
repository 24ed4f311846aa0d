"""Runs the inline tests of rules on the same path that scores real windows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from detector.scoring.rules.evaluate import STRATUM, RuleSet
from detector.scoring.rules.model import InlineTest, Rule
from detector.scoring.rules.tree import fields


@dataclass(frozen=True)
class Outcome:
    """What a rule did in one of its tests."""

    rule: Rule
    test: InlineTest
    fired: bool

    @property
    def passed(self) -> bool:
        """Whether the rule did what the test expects."""
        return self.fired is self.test.fires


class TestReference:
    """A benign reference of one test: one stratum, and what the file says.

    Args:
        values: feature → level → quantile.
    """

    __test__ = False  # pytest: the name says what it is for, not what it is

    def __init__(self, values: Mapping[str, Mapping[str, float]]) -> None:
        self._values = values

    def quantile(self, category: str, stratum: str, feature: str, level: str) -> float | None:  # noqa: ARG002 - protocol
        """The value of the file."""
        return self._values.get(feature, {}).get(level)


def run_tests(rules: Iterable[Rule]) -> list[Outcome]:
    """Run all inline tests, in order."""
    return [Outcome(rule, test, _fired(rule, test)) for rule in rules for test in rule.tests]


def _fired(rule: Rule, test: InlineTest) -> bool:
    columns = {name: pl.Series([test.window.get(name)], dtype=pl.Float64) for name in fields(rule.condition)}
    frame = pl.DataFrame({STRATUM: ["test"], **columns})
    return bool(RuleSet([rule], TestReference(test.reference)).fired(frame)[rule.code][0])
