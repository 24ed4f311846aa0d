"""Reads rule files and says everything that is wrong with them, each with file, line and reason."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from detector.scoring.rules.check_block import check_block
from detector.scoring.rules.check_detection import check_detection
from detector.scoring.rules.check_header import check_header
from detector.scoring.rules.detection import parse_condition
from detector.scoring.rules.fields import Fields
from detector.scoring.rules.model import InlineTest, Problem, Rule, RuleError
from detector.scoring.rules.source import Source, read_source
from detector.scoring.rules.tree import fields, quantiles


def lint(paths: Iterable[Path], known_fields: Fields) -> tuple[list[Rule], list[Problem]]:
    """Read rule files and check them, each alone and all together.

    Args:
        paths: files.
        known_fields: category → field → unit.

    Returns:
        The rules that are sound, and all problems, in the order of files and lines.
    """
    rules: list[Rule] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            rules.append(read_rule(path, known_fields))
        except RuleError as error:
            problems += error.problems
    doubled = _doubled(rules)
    broken = {problem.path for problem in doubled}
    return [rule for rule in rules if rule.path not in broken], sorted(problems + doubled)


def read_rule(path: Path, known_fields: Fields) -> Rule:
    """Read one rule file.

    Args:
        path: the file.
        known_fields: category → field → unit.

    Raises:
        RuleError: with every problem of the file.
    """
    source = read_source(path)
    try:
        return _sound(source, known_fields)
    except RecursionError as error:
        # pySigma walks a condition step by step down.
        raise RuleError([source.problem("nested too deeply", "detection", "condition")]) from error


def _sound(source: Source, known_fields: Fields) -> Rule:
    logsource = source.value.get("logsource")
    category = str(logsource.get("category")) if isinstance(logsource, dict) else ""
    problems = check_header(source)
    # Without a category there is no telling which fields exist.
    if category in known_fields:
        units = known_fields[category]
        problems += check_detection(source, units) + check_block(source, units)
    if not problems:
        rule = _build(source, category)
        problems = _unproven(source, rule)
        if not problems:
            return rule
    raise RuleError(sorted(problems))


def _build(source: Source, category: str) -> Rule:
    value, block = source.value, source.value["revenuer"]
    return Rule(
        id=str(value["id"]),
        title=value["title"].strip(),
        description=" ".join(value["description"].split()),
        status=value["status"],
        level=value["level"],
        category=category,
        tags=tuple(value["tags"]),
        falsepositives=tuple(value["falsepositives"]),
        references=tuple(value["references"]),
        code=block["code"],
        text=" ".join(block["text"].split()),
        weight=float(block["weight"]),
        evidence=block["evidence"],
        feature=block["feature"],
        condition=parse_condition(source),
        tests=tuple(_test(source, block, i) for i in range(len(block["tests"]))),
        path=source.path,
    )


def _test(source: Source, block: dict[str, Any], i: int) -> InlineTest:
    test = block["tests"][i]
    shared: Mapping[str, Mapping[str, float]] = block.get("reference", {})
    own: Mapping[str, Mapping[str, float]] = test.get("reference", {})
    return InlineTest(
        name=test["name"].strip(),
        window=test["window"],
        reference={name: {**shared.get(name, {}), **own.get(name, {})} for name in (*shared, *own)},
        fires=test["fires"],
        line=source.line("revenuer", "tests", i),
    )


def _unproven(source: Source, rule: Rule) -> list[Problem]:
    """What makes a rule's tests worth less than they look."""
    problems = []
    used = fields(rule.condition)
    if rule.feature not in used:
        problems.append(source.problem(f"feature '{rule.feature}' is not in the detection", "revenuer", "feature"))
    for i, test in enumerate(rule.tests):
        lacking = [
            f"{name} {level}" for name, level in quantiles(rule.condition) if level not in test.reference.get(name, {})
        ]
        if lacking:
            # A comparison with an unknown quantile is false: the test would pass for no reason.
            problems.append(source.problem(f"the reference lacks {', '.join(lacking)}", "revenuer", "tests", i))
    complete = any(not test.fires and all(test.window.get(name) is not None for name in used) for test in rule.tests)
    if not complete:
        reason = "one test must be silent with all fields of the detection known"
        problems.append(source.problem(reason, "revenuer", "tests"))
    return problems


def _doubled(rules: list[Rule]) -> list[Problem]:
    problems: list[Problem] = []
    for what in ("id", "code"):
        first: dict[str, Rule] = {}
        for rule in rules:
            value = str(getattr(rule, what)).lower()
            if value in first:
                source = read_source(rule.path)
                line = source.line("id") if what == "id" else source.line("revenuer", "code")
                reason = f"{what} '{getattr(rule, what)}' is taken by {first[value].path}"
                problems.append(Problem(rule.path, line, reason))
            first.setdefault(value, rule)
    return problems
