"""Checks what a rule looks for: fields, modifiers, values, and whether it can fire at all."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from detector.scoring.rules.detection import parse_condition, unused
from detector.scoring.rules.model import QUANTILES, Problem, RuleError
from detector.scoring.rules.modifiers import BENIGN, NUMERIC
from detector.scoring.rules.satisfiable import TooManyCasesError, can_fire
from detector.scoring.rules.source import Source

# Sigma has modifiers for texts too. Features are numbers, and a pattern could take for ever to match.
MODIFIERS: Final = (*NUMERIC, *BENIGN)

_Keys = tuple[str | int, ...]


def check_detection(source: Source, units: Mapping[str, str]) -> list[Problem]:
    """Problems of `detection`.

    Args:
        source: the file.
        units: field → unit of the rule's category.
    """
    detection = source.value.get("detection")
    if not isinstance(detection, dict):
        return [source.problem("detection is missing", "detection")]
    problems = []
    if not isinstance(detection.get("condition"), str):
        problems.append(source.problem("condition is missing", "detection", "condition"))
    for name, selection in detection.items():
        if name != "condition":
            problems += _selection(source, selection, ("detection", name), units)
    # Only what is well-formed is worth pySigma's opinion.
    return problems or _meaning(source, units)


def _meaning(source: Source, units: Mapping[str, str]) -> list[Problem]:
    try:
        problems = [
            source.problem(f"detection '{name}' is not used in the condition", "detection", name)
            for name in unused(source)
        ]
        if not can_fire(parse_condition(source), units):
            problems.append(source.problem("the condition can never fire", "detection", "condition"))
    except RuleError as error:
        return error.problems
    except TooManyCasesError as error:
        return [source.problem(str(error), "detection", "condition")]
    return problems


def _selection(source: Source, selection: object, keys: _Keys, units: Mapping[str, str]) -> Iterator[Problem]:
    if isinstance(selection, dict) and selection:
        for key, value in selection.items():
            yield from _item(source, (*keys, key), value, units)
    elif isinstance(selection, list) and selection:
        for i, each in enumerate(selection):
            yield from _selection(source, each, (*keys, i), units)
    else:
        yield source.problem(f"'{keys[-1]}' must compare fields with values", *keys)


def _item(source: Source, keys: _Keys, value: object, units: Mapping[str, str]) -> Iterator[Problem]:
    name, *modifiers = str(keys[-1]).split("|")
    if name not in units:
        yield source.problem(f"unknown field '{name}'", *keys)
    if len(modifiers) > 1:
        yield source.problem("one modifier a comparison", *keys)
        return
    if modifiers and modifiers[0] not in MODIFIERS:
        yield source.problem(f"modifier '{modifiers[0]}' is none of {', '.join(MODIFIERS)}", *keys)
        return
    values: list[Any] = value if isinstance(value, list) else [value]
    if not values:
        yield source.problem(f"'{keys[-1]}' compares with nothing", *keys)
    for each in values:
        wanted = _wanted(modifiers[0] if modifiers else "", each)
        if wanted:
            yield source.problem(f"'{keys[-1]}' must compare with {wanted}, not '{each}'", *keys)


def _wanted(modifier: str, value: object) -> str:
    """What a modifier takes, if `value` is not it."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if modifier in BENIGN:
        return "" if value in QUANTILES else f"one of {', '.join(QUANTILES)}"
    if modifier in NUMERIC:
        return "" if number else "a number"
    return "" if number or value is None or isinstance(value, bool) else "a number, true, false or null"
