"""A depth-3 decision tree on raw fields, taught by the other kinds of campaign (`detector.evaluation.tree`)."""

from typing import ClassVar

from benchmarks.detection.base import Case, Learner
from detector.evaluation.baselines import TREE, Baseline, tree_baseline
from detector.evaluation.log import RequestLog
from detector.evaluation.population import Population


class Tree(Learner):
    """It knows half of the benign accounts and all campaigns of other kinds, more than anybody has in use."""

    label: ClassVar[str] = TREE

    def figures(self, case: Case, population: Population) -> Baseline | None:
        """What it reaches on the kind that was left out and on the other half."""
        return tree_baseline(RequestLog(case.requests), population)
