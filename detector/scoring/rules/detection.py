"""From the detection of a Sigma rule to a tree: pySigma parses it, this walks what it gives."""

from copy import deepcopy
from typing import Any, Final

from sigma.collection import SigmaCollection
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionIdentifier,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionSelector,
    SigmaCondition,
)
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule
from sigma.types import CompareOperators, SigmaBool, SigmaCompareExpression, SigmaNull, SigmaNumber, SigmaType

from detector.scoring.rules.model import RuleError
from detector.scoring.rules.modifiers import BenignQuantile, register
from detector.scoring.rules.source import Source
from detector.scoring.rules.tree import Benign, Compare, Every, Leaf, Missing, Negation, Node, Operator, Some

_OPERATORS: Final[dict[CompareOperators, Operator]] = {
    CompareOperators.GT: ">",
    CompareOperators.GTE: ">=",
    CompareOperators.LT: "<",
    CompareOperators.LTE: "<=",
}

register()


def parse_condition(source: Source) -> Node:
    """The tree of a rule's only condition.

    Raises:
        RuleError: pySigma refuses the rule, or the condition says something that has no meaning over features.
    """
    condition = _condition(source)
    try:
        parsed = condition.parsed
    except SigmaError as error:
        raise RuleError([source.problem(_first_line(error), "detection", "condition")]) from error
    if parsed is None:
        raise RuleError([source.problem("the condition is empty", "detection", "condition")])
    try:
        return _tree(parsed)
    except ValueError as error:
        raise RuleError([source.problem(str(error), "detection")]) from error


def unused(source: Source) -> list[str]:
    """Detections that the condition never mentions.

    Raises:
        RuleError: as `parse_condition`.
    """
    condition = _condition(source)
    try:
        parsed = condition.parse(postprocess=False)
    except SigmaError as error:
        raise RuleError([source.problem(_first_line(error), "detection", "condition")]) from error
    used = _identifiers(parsed, condition)
    return [name for name in condition.detections.detections if name not in used]


def _condition(source: Source) -> SigmaCondition:
    try:
        rules = SigmaCollection.from_dicts([_plain(source)]).rules
    except SigmaError as error:
        raise RuleError([source.problem(_first_line(error), "detection")]) from error
    except (AttributeError, TypeError, ValueError, KeyError) as error:
        # pySigma takes some shapes for granted that a file need not have.
        raise RuleError([source.problem(f"not a Sigma rule: {_first_line(error)}", "detection")]) from error
    if len(rules) != 1 or not isinstance(rules[0], SigmaRule):
        raise RuleError([source.problem("not a plain Sigma rule")])
    conditions = rules[0].detection.parsed_condition
    if len(conditions) != 1:
        raise RuleError([source.problem("one condition a rule", "detection", "condition")])
    return conditions[0]


def _plain(source: Source) -> dict[str, Any]:
    # pySigma merges into what it is given. Our own block is none of its business.
    return {key: deepcopy(value) for key, value in source.value.items() if key != "revenuer"}


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _identifiers(item: object, condition: SigmaCondition) -> set[str]:
    if isinstance(item, ConditionIdentifier):
        return {item.identifier}
    if isinstance(item, ConditionSelector):
        return {each.identifier for each in item.resolve_referenced_detections(condition.detections)}
    if isinstance(item, ConditionItem):
        return {name for arg in item.args for name in _identifiers(arg, condition)}
    return set()


def _tree(item: object) -> Node:
    if isinstance(item, ConditionAND):
        return Every(tuple(_tree(arg) for arg in item.args))
    if isinstance(item, ConditionOR):
        return Some(tuple(_tree(arg) for arg in item.args))
    if isinstance(item, ConditionNOT):
        return Negation(_tree(item.args[0]))
    if isinstance(item, ConditionFieldEqualsValueExpression):
        return _leaf(item.field, item.value)
    raise ValueError("a value without a field has no meaning over features")


def _leaf(field: str, value: SigmaType) -> Leaf:
    match value:
        case BenignQuantile():
            return Benign(field, value.operator, value.level)
        case SigmaCompareExpression() if value.op in _OPERATORS:
            return Compare(field, _OPERATORS[value.op], float(value.number.number))
        case SigmaNumber():
            return Compare(field, "==", float(value.number))
        case SigmaBool():
            return Compare(field, "==", float(value.boolean))
        case SigmaNull():
            return Missing(field)
        case _:
            raise ValueError(f"{field}: features are numbers, and {type(value).__name__} is no comparison with one")
