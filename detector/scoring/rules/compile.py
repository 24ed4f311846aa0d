"""From a tree to one polars expression."""

import operator
from collections.abc import Callable
from typing import Any, Final

import polars as pl

from detector.scoring.rules.tree import Benign, Compare, Every, Missing, Negation, Node, Operator, Some

_OPERATORS: Final[dict[Operator, Callable[[Any, Any], Any]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}


def column(field: str, level: str) -> str:
    """Name of the column that holds each row's benign quantile."""
    return f"{field}@{level}"


def expression(node: Node) -> pl.Expr:
    """A tree as one boolean expression without nulls.

    It reads one Float64 column a field, null where unknown, and one a quantile, named by `column`.
    """
    match node:
        case Compare(field, op, value):
            compared: pl.Expr = _OPERATORS[op](pl.col(field), value)
            return compared.fill_null(False)
        case Benign(field, op, level):
            against: pl.Expr = _OPERATORS[op](pl.col(field), pl.col(column(field, level)))
            return against.fill_null(False)
        case Missing(field):
            return pl.col(field).is_null()
        case Every(parts):
            return pl.all_horizontal([expression(part) for part in parts])
        case Some(parts):
            return pl.any_horizontal([expression(part) for part in parts])
        case Negation(part):
            return ~expression(part)
