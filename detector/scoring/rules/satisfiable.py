"""Can a condition fire at all? Interval arithmetic over its disjunctive normal form."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from detector.scoring.rules.model import QUANTILES
from detector.scoring.rules.tree import Benign, Compare, Every, Leaf, Missing, Negation, Node, Operator, Some

_MOST_TERMS: Final = 10_000  # a condition with more cases is too large to be read, let alone checked
_SHARES: Final = ("share", "probability")

Literal = tuple[Leaf, bool]
"""A comparison and whether it must hold."""


class TooManyCasesError(ValueError):
    """The condition has more cases than anybody can check."""


def can_fire(node: Node, units: Mapping[str, str]) -> bool:
    """Whether some window satisfies a condition.

    Args:
        node: the condition.
        units: field → unit; no feature is negative, and shares and probabilities end at 1.

    Raises:
        TooManyCasesError: the condition has too many cases.
    """
    return any(_possible(case, units) for case in _cases(node, wanted=True))


def _cases(node: Node, *, wanted: bool) -> list[tuple[Literal, ...]]:
    match node:
        case Negation(part):
            return _cases(part, wanted=not wanted)
        case Every(parts) | Some(parts):
            below = [_cases(part, wanted=wanted) for part in parts]
            if isinstance(node, Every) is wanted:
                if math.prod(map(len, below)) > _MOST_TERMS:
                    raise TooManyCasesError(f"the condition has more than {_MOST_TERMS} cases")
                return [tuple(literal for case in chosen for literal in case) for chosen in product(*below)]
            return [case for cases in below for case in cases]
        case _:
            return [((node, wanted),)]


@dataclass
class _Range:
    # A number and a benign quantile cannot be compared beforehand; each has its own range.
    number: tuple[float, bool, float, bool] = (0.0, False, math.inf, False)  # low, open, high, open
    rank: tuple[float, bool, float, bool] = (-1.0, False, float(len(QUANTILES)), False)
    known: bool = False
    missing: bool = False
    different: set[float] = field(default_factory=set)

    def possible(self) -> bool:
        if self.missing:
            return not self.known
        low, low_open, high, high_open = self.number
        point = low == high and not low_open and not high_open
        return _some(*self.number) and _some(*self.rank) and not (point and low in self.different)


def _some(low: float, low_open: bool, high: float, high_open: bool) -> bool:
    return low < high or (low == high and not low_open and not high_open)


def _possible(case: Iterable[Literal], units: Mapping[str, str]) -> bool:
    ranges: dict[str, _Range] = {}
    refused: list[Leaf] = []
    for leaf, wanted in case:
        limit = ranges.setdefault(leaf.field, _Range(number=_natural(units.get(leaf.field, ""))))
        if wanted:
            _require(limit, leaf)
        elif isinstance(leaf, Missing):
            limit.known = True
        else:
            refused.append(leaf)
    for leaf in refused:
        # A comparison is false where the value is unknown, so its opposite follows only for a known value.
        limit = ranges[leaf.field]
        if limit.known:
            _refuse(limit, leaf)
    return all(limit.possible() for limit in ranges.values())


def _natural(unit: str) -> tuple[float, bool, float, bool]:
    return (0.0, False, 1.0 if unit in _SHARES else math.inf, False)


def _require(limit: _Range, leaf: Leaf) -> None:
    match leaf:
        case Missing():
            limit.missing = True
        case Compare(_, op, value):
            limit.known = True
            limit.number = _cut(limit.number, op, value)
        case Benign(_, op, level):
            limit.known = True
            limit.rank = _cut(limit.rank, op, float(QUANTILES.index(level)))


_OPPOSITE: Final[Mapping[Operator, Operator]] = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}


def _refuse(limit: _Range, leaf: Leaf) -> None:
    match leaf:
        case Compare(_, "==", value):
            limit.different.add(value)
        case Compare(_, op, value):
            limit.number = _cut(limit.number, _OPPOSITE[op], value)
        case Benign(_, op, level):
            limit.rank = _cut(limit.rank, _OPPOSITE[op], float(QUANTILES.index(level)))
        case Missing():
            limit.known = True


def _cut(range_: tuple[float, bool, float, bool], op: Operator, value: float) -> tuple[float, bool, float, bool]:
    low, low_open, high, high_open = range_
    if op in {">", ">=", "=="} and (value, op == ">") > (low, low_open):
        low, low_open = value, op == ">"
    if op in {"<", "<=", "=="} and (value, op != "<") < (high, not high_open):
        high, high_open = value, op == "<"
    return low, low_open, high, high_open
