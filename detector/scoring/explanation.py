"""What a score is made of: the nats of each rule, shared out over the features that made it fire.

A rule is a yes or no over several features. Its nats are divided by the Shapley value (Shapley, 1953; Lundberg and Lee, NeurIPS
2017) of the game in which a coalition of features is known and all others are unknown: the one division that adds up, treats equal
features alike and gives nothing to a feature that changes nothing. A condition that needs all its comparisons gives each feature the
same; of two signs, one of which suffices, each gets less than what both need. What a rule would say with nothing known at all (it is
rare: a rule on what is missing) goes to the feature that the rule names.
"""

from collections.abc import Mapping
from functools import lru_cache
from itertools import combinations
from math import factorial, isnan
from typing import Final

import numpy as np

from detector.profiles.layout import Flags
from detector.scoring.rules.compile import OPERATORS
from detector.scoring.rules.evaluate import RuleSet
from detector.scoring.rules.tree import Benign, Compare, Every, Leaf, Missing, Negation, Node, Some, fields, leaves
from detector.scoring.scorer import Row

Nats = dict[str, float]

_REMEMBERED: Final = 4096  # rules fire for the same few reasons look after look
_ROUNDING: Final = 1e-9


def by_feature(rules: RuleSet, row: Row) -> dict[str, Nats]:
    """Nats of each rule that fired, by feature; those of a rule add up to its contribution, all of them to the score.

    Args:
        rules: of the category.
        row: of an entity.
    """
    out: dict[str, Nats] = {}
    values = {name: value for name, value in zip(rules.fields, row.values.tolist(), strict=True) if not isnan(value)}
    for j in np.flatnonzero(row.contributions > 0).tolist():  # over rules that fired
        code, nats = rules.codes[j], float(row.contributions[j])
        rule = rules.rule(code)
        shares = dict(_shares(rule.condition, _true(rules, row.stratum, values, rule.condition)))
        rest = 1.0 - sum(shares.values())
        if abs(rest) > _ROUNDING:
            shares[rule.feature] = shares.get(rule.feature, 0.0) + rest
        out[code] = {name: nats * share for name, share in shares.items() if share != 0}
    return out


def _true(rules: RuleSet, stratum: str, values: Mapping[str, float], condition: Node) -> frozenset[Leaf]:
    """Comparisons of a condition that hold on a row."""
    category = rules.rules[0].category

    def holds(leaf: Leaf) -> bool:
        value = values.get(leaf.field)
        match leaf:
            case Compare(_, operator, bound):
                return value is not None and bool(OPERATORS[operator](value, bound))
            case Benign(field, operator, level):
                usual = rules.reference.quantile(category, stratum, field, level)
                return value is not None and usual is not None and bool(OPERATORS[operator](value, usual))
        return value is None

    return frozenset(leaf for leaf in leaves(condition) if holds(leaf))


@lru_cache(_REMEMBERED)
def _shares(condition: Node, true: frozenset[Leaf]) -> tuple[tuple[str, float], ...]:
    """Shapley value of each feature of a condition; they add up to what it says less what it says with nothing known."""
    names = fields(condition)
    n = len(names)
    # Coalitions as bits of a number, smaller ones first.
    ordered = [sum(1 << i for i in known) for size in range(n + 1) for known in combinations(range(n), size)]
    coalitions = np.array(ordered, np.int64)
    known = {name: coalitions >> i & 1 > 0 for i, name in enumerate(names)}
    says = np.zeros(1 << n)
    says[coalitions] = _holds(condition, true, known)
    weights = np.array([factorial(size) * factorial(n - size - 1) / factorial(n) for size in range(n)])
    size = np.bitwise_count(coalitions)
    out = []
    for i, name in enumerate(names):
        without = ~known[name]
        change = says[coalitions[without] | 1 << i] - says[coalitions[without]]
        out.append((name, float(np.cumsum(weights[size[without]] * change)[-1])))
    return tuple(out)


def _holds(node: Node, true: frozenset[Leaf], known: Mapping[str, Flags]) -> Flags:
    """What a condition says by coalition, where only the features of each are known."""
    match node:
        case Every(parts):
            return np.logical_and.reduce([_holds(part, true, known) for part in parts])
        case Some(parts):
            return np.logical_or.reduce([_holds(part, true, known) for part in parts])
        case Negation(part):
            return ~_holds(part, true, known)
        case Missing(field):
            return ~known[field] | (node in true)
        case _:
            return known[node.field] & (node in true)
