"""How signs add up: fully between kinds of evidence, ever less within one.

Signs of one kind are no independent witnesses: a wrapper over many topics is also a wrapper. Within a kind the
strongest sign that fired counts in full, the next a half, the next a quarter, and so on:

    score = Σ over kinds Σ over k = 0, 1, … of weight[k] / 2ᵏ      fired rules of the kind, weights descending

So a kind never counts more than twice its strongest sign, a further sign never lowers a score, and each term belongs
to one rule (ties go by code): the contributions of a row add up to its score. Weights are whole quarters of a nat, so
every sum is exact in binary and the order of adding does not matter.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from detector.scoring.rules.model import EVIDENCE, Rule

Bools = npt.NDArray[np.bool_]
Nats = npt.NDArray[np.float64]


class Saturation:
    """The formula for one list of rules.

    Args:
        rules: in the order of the columns.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._weights = np.array([rule.weight for rule in rules], np.float64)
        ordered = sorted(range(len(rules)), key=lambda i: (-rules[i].weight, rules[i].code))
        kinds = [[i for i in ordered if rules[i].evidence == kind] for kind in EVIDENCE]
        self._kinds = [np.array(columns, np.intp) for columns in kinds if columns]

    def contributions(self, fired: Bools) -> Nats:
        """Nats of each rule.

        Args:
            fired: bool[n, rules].

        Returns:
            f64[n, rules]; 0 where a rule did not fire; rows add up to the score.
        """
        out = np.zeros(fired.shape)
        rows = np.flatnonzero(fired.any(axis=1))  # on nearly all accounts nothing fires
        for columns in self._kinds:
            some = fired[np.ix_(rows, columns)]
            stronger: npt.NDArray[np.int64] = np.cumsum(some, axis=1) - some
            out[np.ix_(rows, columns)] = some * np.ldexp(self._weights[columns], -stronger)
        return out

    def without(self, fired: Bools) -> Nats:
        """Score of each row as it would be without each rule: f64[n, rules].

        More than score minus contribution: a weaker sign of the same kind takes the place of the one left out.
        """
        n, rules = fired.shape
        others = np.repeat(fired, rules, axis=0)  # row i × rules + j is row i without rule j
        others[np.arange(n * rules), np.tile(np.arange(rules), n)] = False
        return self.contributions(others).sum(axis=1).reshape(n, rules)
