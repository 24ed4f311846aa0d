"""What a score is made of: the nats of each rule, shared out over the features that made it fire.

A rule is a yes or no over several features. Its nats are divided by the Shapley value (Shapley, 1953; Lundberg and Lee, NeurIPS
2017) of the game in which a coalition of features is known and all others are unknown: the one division that adds up, treats equal
features alike and gives nothing to a feature that changes nothing. A condition that needs all its comparisons gives each feature the
same; of two signs, one of which suffices, each gets less than what both need. What a rule would say with nothing known at all (it is
rare: a rule on what is missing) goes to the feature that the rule names.
"""

from functools import lru_cache
from itertools import combinations
from math import factorial
from typing import Final

from detector.scoring.rules.compile import OPERATORS
from detector.scoring.rules.evaluate import RuleSet
from detector.scoring.rules.tree import Benign, Compare, Every, Leaf, Missing, Negation, Node, Some, fields, leaves
from detector.scoring.scorer import Scored

Nats = dict[str, float]

_REMEMBERED: Final = 4096  # rules fire for the same few reasons look after look
_ROUNDING: Final = 1e-9


def by_feature(rules: RuleSet, scored: Scored, row: int) -> dict[str, Nats]:
    """Nats of each rule that fired, by feature; those of a rule add up to its contribution, all of them to the score.

    Args:
        rules: of the category.
        scored: scores of a frame.
        row: which entity.
    """
    out: dict[str, Nats] = {}
    present = frozenset(scored.frame.columns)
    for j, code in enumerate(rules.codes):  # over rules
        nats = float(scored.contributions[row, j])
        if nats > 0:
            rule = rules.rule(code)
            shares = dict(_shares(rule.condition, _true(rules, scored, row, rule.condition, present)))
            rest = 1.0 - sum(shares.values())
            if abs(rest) > _ROUNDING:
                shares[rule.feature] = shares.get(rule.feature, 0.0) + rest
            out[code] = {name: nats * share for name, share in shares.items() if share != 0}
    return out


def _true(rules: RuleSet, scored: Scored, row: int, condition: Node, present: frozenset[str]) -> frozenset[Leaf]:
    """Comparisons of a condition that hold on a row."""
    frame = scored.frame
    stratum = str(frame["stratum"][row])
    category = rules.rules[0].category

    def holds(leaf: Leaf) -> bool:
        raw = frame[leaf.field][row] if leaf.field in present else None
        value = None if raw is None or raw != raw else float(raw)  # noqa: PLR0124 - NaN is unknown
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
    says = {
        frozenset(known): float(_holds(condition, true, frozenset(known)))
        for size in range(n + 1)
        for known in combinations(names, size)
    }
    out = []
    for name in names:
        value = 0.0
        for known, before in says.items():
            if name not in known:
                weight = factorial(len(known)) * factorial(n - len(known) - 1) / factorial(n)
                value += weight * (says[known | {name}] - before)
        out.append((name, value))
    return tuple(out)


def _holds(node: Node, true: frozenset[Leaf], known: frozenset[str]) -> bool:
    """What a condition says where only some features are known."""
    match node:
        case Every(parts):
            return all(_holds(part, true, known) for part in parts)
        case Some(parts):
            return any(_holds(part, true, known) for part in parts)
        case Negation(part):
            return not _holds(part, true, known)
        case Missing(field):
            return field not in known or node in true
        case _:
            return node.field in known and node in true
