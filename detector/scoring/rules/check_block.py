"""Checks the part of a rule that is ours: the `revenuer` block and its inline tests."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from detector.scoring.rules.model import EVIDENCE, QUANTILES, Problem
from detector.scoring.rules.source import Source

HEAVIEST: Final = 12.0  # nats: what a rule may claim whose own Bayes factor reaches it
QUARTER: Final = 0.25  # sums of quarters are exact
_LONGEST_TEXT: Final = 160
_KEYS: Final = ("code", "weight", "evidence", "feature", "text", "reference", "tests")
_TEST_KEYS: Final = ("name", "window", "reference", "fires")
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{2,39}")


def check_block(source: Source, units: Mapping[str, str]) -> list[Problem]:
    """Problems of `revenuer`.

    Args:
        source: the file.
        units: field → unit of the rule's category.
    """
    block = source.value.get("revenuer")
    if not isinstance(block, dict):
        return [source.problem("revenuer is missing (code, weight, evidence, feature, text, tests)", "revenuer")]
    problems = [source.problem(f"unknown key '{key}'", "revenuer", key) for key in block if key not in _KEYS]
    problems += _sign(source, block, units)
    problems += _reference(source, block.get("reference", {}), ("revenuer", "reference"), units)
    return problems + list(_tests(source, block.get("tests"), units))


def _sign(source: Source, block: dict[str, Any], units: Mapping[str, str]) -> list[Problem]:
    code, weight, text = block.get("code"), block.get("weight"), block.get("text")
    found = {
        "code": "" if isinstance(code, str) and _CODE.fullmatch(code) else "must be like FIXED_WRAPPER",
        "weight": _weight(weight),
        "evidence": "" if block.get("evidence") in EVIDENCE else f"must be one of {', '.join(EVIDENCE)}",
        "feature": "" if block.get("feature") in units else f"'{block.get('feature')}' is an unknown field",
        "text": "" if isinstance(text, str) and text.strip() else "must be a sentence",
    }
    if isinstance(text, str) and len(text.strip()) > _LONGEST_TEXT:
        found["text"] = f"has {len(text.strip())} characters, at most {_LONGEST_TEXT} are allowed"
    return [
        source.problem(f"{key} is missing" if key not in block else f"{key} {wrong}", "revenuer", key)
        for key, wrong in found.items()
        if wrong
    ]


def _weight(weight: object) -> str:
    if not isinstance(weight, int | float) or isinstance(weight, bool):
        return "must be a number of nats"
    if not 0 < weight <= HEAVIEST:
        return f"must be above 0 and at most {HEAVIEST:g} nats"
    return "" if (weight / QUARTER).is_integer() else f"must be a multiple of {QUARTER} nats"


def _reference(
    source: Source, reference: object, keys: tuple[str | int, ...], units: Mapping[str, str]
) -> Iterator[Problem]:
    if not isinstance(reference, dict):
        yield source.problem("reference must map features to quantiles", *keys)
        return
    for name, levels in reference.items():
        if name not in units:
            yield source.problem(f"unknown field '{name}'", *keys, name)
        elif not isinstance(levels, dict) or not all(k in QUANTILES and _number(v) for k, v in levels.items()):
            yield source.problem(f"'{name}' must map {', '.join(QUANTILES)} to numbers", *keys, name)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _tests(source: Source, tests: object, units: Mapping[str, str]) -> Iterator[Problem]:
    where = ("revenuer", "tests")
    if not isinstance(tests, list) or not tests:
        yield source.problem("tests are missing", *where)
        return
    for i, test in enumerate(tests):
        yield from _test(source, test, (*where, i), units)
    outcomes = [test.get("fires") for test in tests if isinstance(test, dict)]
    for outcome, wanted in ((True, "on which it fires"), (False, "on which it is silent")):
        if outcome not in outcomes:
            yield source.problem(f"tests must have a window {wanted}", *where)


def _test(source: Source, test: object, keys: tuple[str | int, ...], units: Mapping[str, str]) -> Iterator[Problem]:
    if not isinstance(test, dict):
        yield source.problem("a test is a mapping of name, window and fires", *keys)
        return
    for key in test:
        if key not in _TEST_KEYS:
            yield source.problem(f"unknown key '{key}'", *keys, key)
    if not isinstance(test.get("name"), str) or not test["name"].strip():
        yield source.problem("a test needs a name", *keys)
    if not isinstance(test.get("fires"), bool):
        yield source.problem("fires must be true or false", *keys, "fires")
    window = test.get("window")
    if not isinstance(window, dict) or not window:
        yield source.problem("window must map features to numbers", *keys, "window")
        return
    for name, value in window.items():
        if name not in units:
            yield source.problem(f"unknown field '{name}'", *keys, "window", name)
        elif value is not None and not _number(value):
            yield source.problem(f"'{name}' must be a number or null", *keys, "window", name)
    yield from _reference(source, test.get("reference", {}), (*keys, "reference"), units)
