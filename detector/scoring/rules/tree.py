"""The condition of a rule as a small tree: comparisons at the leaves, and / or / not above them.

A comparison with an unknown value is false, as in Sigma: what a log does not record neither accuses nor excuses. So
`not filter` holds where the filter's field is unknown; a rule that needs to *know* that something is absent compares
the field itself (`multi_turn_share|lt: 0.1`), which is silent where it is unknown.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

Operator = Literal[">", ">=", "<", "<=", "=="]


@dataclass(frozen=True)
class Compare:
    """A field against a number; booleans are 1 and 0."""

    field: str
    operator: Operator
    value: float


@dataclass(frozen=True)
class Benign:
    """A field against a benign quantile of the row's own stratum."""

    field: str
    operator: Operator
    level: str


@dataclass(frozen=True)
class Missing:
    """A field without a value."""

    field: str


@dataclass(frozen=True)
class Every:
    """All parts hold."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Some:
    """At least one part holds."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Negation:
    """The part does not hold."""

    part: "Node"


Leaf = Compare | Benign | Missing
Node = Leaf | Every | Some | Negation


def leaves(node: Node) -> Iterator[Leaf]:
    """Comparisons of a tree, from left to right."""
    match node:
        case Every(parts) | Some(parts):
            for part in parts:
                yield from leaves(part)
        case Negation(part):
            yield from leaves(part)
        case _:
            yield node


def asks_low(node: Node, field: str) -> bool:
    """Whether a tree holds for low values of a field, and asks nowhere for high ones."""
    return _sides(node, field, negated=False) == {"low"}


def _sides(node: Node, field: str, *, negated: bool) -> set[str]:
    match node:
        case Every(parts) | Some(parts):
            return {side for part in parts for side in _sides(part, field, negated=negated)}
        case Negation(part):
            return _sides(part, field, negated=not negated)
        case Compare(name, operator, _) | Benign(name, operator, _) if name == field and operator != "==":
            return {"low" if operator.startswith("<") != negated else "high"}
        case _:
            return set()


def bound(node: Node, field: str, number: Callable[[Compare | Benign], float | None], *, low: bool) -> float | None:
    """What a tree that holds has asked of a field, at least: the number that no value short of it would have met.

    Args:
        node: the tree.
        field: which.
        number: what a comparison is with; None where unknown.
        low: whether it asks for values below it.

    Returns:
        The strictest of what is asked together, the laxest of alternatives; None where nothing is asked, or only that something is
        not so.
    """
    strictest, laxest = (min, max) if low else (max, min)
    match node:
        case Every(parts):
            known = [n for part in parts if (n := bound(part, field, number, low=low)) is not None]
            return strictest(known, default=None)
        case Some(parts):
            found = [bound(part, field, number, low=low) for part in parts]
            known = [n for n in found if n is not None]
            return laxest(known, default=None) if len(known) == len(found) else None
        case Compare(name, operator, _) | Benign(name, operator, _) if name == field:
            return number(node) if operator.startswith("<" if low else ">") else None
        case _:
            return None


def fields(node: Node) -> list[str]:
    """Fields that a tree reads, each once, in the order of first use."""
    return list(dict.fromkeys(leaf.field for leaf in leaves(node)))


def quantiles(node: Node) -> list[tuple[str, str]]:
    """Benign quantiles (field, level) that a tree compares with, each once."""
    return list(dict.fromkeys((leaf.field, leaf.level) for leaf in leaves(node) if isinstance(leaf, Benign)))
