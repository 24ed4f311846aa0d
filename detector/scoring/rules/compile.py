"""From trees to polars expressions."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

import polars as pl

from detector.scoring.rules.tree import Benign, Compare, Every, Leaf, Missing, Negation, Node, Operator, Some, leaves

OPERATORS: Final[dict[Operator, Callable[[Any, Any], Any]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}


def column(field: str, level: str) -> str:
    """Name of the column that holds each row's benign quantile."""
    return f"{field}@{level}"


def compile_conditions(conditions: Mapping[str, Node]) -> tuple[list[pl.Expr], list[pl.Expr]]:
    """Conditions as two selects: every different comparison once, then what the conditions make of them.

    Rules have many comparisons in common; sharing them halves the time.

    Args:
        conditions: name → tree.

    Returns:
        Expressions over one Float64 column a field, null where unknown, and one a quantile, named by `column`; and
        expressions over their results, named as the conditions. All are boolean, without nulls.
    """
    different = dict.fromkeys(leaf for node in conditions.values() for leaf in leaves(node))
    names = {leaf: f"{i}" for i, leaf in enumerate(different)}
    comparisons = [_comparison(leaf).alias(name) for leaf, name in names.items()]
    return comparisons, [_combined(node, names).alias(name) for name, node in conditions.items()]


def _comparison(leaf: Leaf) -> pl.Expr:
    match leaf:
        case Compare(field, op, value):
            compared: pl.Expr = OPERATORS[op](pl.col(field), value)
            return compared.fill_null(False)
        case Benign(field, op, level):
            against: pl.Expr = OPERATORS[op](pl.col(field), pl.col(column(field, level)))
            return against.fill_null(False)
        case Missing(field):
            return pl.col(field).is_null()


def _combined(node: Node, names: Mapping[Leaf, str]) -> pl.Expr:
    match node:
        case Every(parts):
            return pl.all_horizontal([_combined(part, names) for part in parts])
        case Some(parts):
            return pl.any_horizontal([_combined(part, names) for part in parts])
        case Negation(part):
            return ~_combined(part, names)
        case _:
            return pl.col(names[node])
