"""`revenuer rules list | lint | test`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from detector.scoring.rules.fields import Fields, known_fields
from detector.scoring.rules.lint import lint
from detector.scoring.rules.load import default_folder, rule_files
from detector.scoring.rules.markdown import condition_text
from detector.scoring.rules.model import Problem, Rule
from detector.stop import USAGE, stop

if TYPE_CHECKING:
    from detector.scoring.rules.testing import Outcome

FINDINGS = 1

rules_app = typer.Typer(help="The detection rules: list them, check them, run their tests.", no_args_is_help=True)

Paths = Annotated[
    list[Path] | None, typer.Argument(help="Rule files or folders [default: the rules that ship]", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object")]


@rules_app.command("list")
def list_rules(paths: Paths = None, as_json: AsJson = False) -> None:
    """Show the rules; exit code 1 if a file is broken."""
    from detector.printing import printer

    # Those that ship were checked against the features when they were built, and a list must not take seconds to load the features.
    rules, problems, _ = _read(paths, known_fields() if paths else {})
    if as_json:
        _print({"rules": [_described(rule) for rule in rules], "problems": [_located(each) for each in problems]})
    else:
        rows: list[tuple[str, ...]] = [
            (r.code, r.category, r.evidence, f"{r.weight:g}", r.level, r.title) for r in rules
        ]
        if printer().is_terminal:  # a title of its own column would be one word wide
            _table(("category", "evidence", "weight", "level", "rule"), [(*r[1:5], f"{r[0]}\n{r[5]}") for r in rows])
        else:
            _table(("code", "category", "evidence", "weight", "level", "title"), rows)
        _report(problems)
    _exit(bool(problems))


@rules_app.command("lint")
def lint_rules(paths: Paths = None, as_json: AsJson = False) -> None:
    """Check rule files; exit code 1 if any is broken, with file, line and reason."""
    rules, problems, files = _read(paths, known_fields())
    if as_json:
        _print({"files": files, "rules": len(rules), "problems": [_located(each) for each in problems]})
    else:
        _report(problems)
        sys.stdout.write(f"{files} files, {len(rules)} sound rules, {len(problems)} problems\n")
    _exit(bool(problems))


@rules_app.command("test")
def run_inline_tests(paths: Paths = None, as_json: AsJson = False) -> None:
    """Run the tests inside the rules; exit code 1 if one fails or a file is broken."""
    from detector.scoring.rules.testing import run_tests

    rules, problems, _ = _read(paths, known_fields())
    outcomes = run_tests(rules)
    failed = [each for each in outcomes if not each.passed]
    if as_json:
        tests = [_tested(each) for each in outcomes]
        _print({"tests": tests, "failed": len(failed), "problems": [_located(each) for each in problems]})
    else:
        _table(
            ("", "expected", "did", "code", "test"),
            [
                ("ok" if o.passed else "FAILED", _did(o.test.fires), _did(o.fired), o.rule.code, o.test.name)
                for o in outcomes
            ],
        )
        _report(problems + [_failure(each) for each in failed])
        ran = f"{len(outcomes)} tests of {len(rules)} rules, {len(failed)} failed" if rules else ""
        broken = len({problem.path for problem in problems})
        unrun = f"not run: {broken} {'file is' if broken == 1 else 'files are'} broken" if broken else ""
        sys.stdout.write("; ".join(filter(None, (ran, unrun))) + "\n")
    _exit(bool(problems or failed))


def _read(paths: list[Path] | None, known: Fields) -> tuple[list[Rule], list[Problem], int]:
    try:
        files = rule_files(paths or [default_folder()])
    except FileNotFoundError as error:
        stop(str(error), USAGE, "rules")
    rules, problems = lint(files, known)
    return rules, problems, len(files)


def _described(rule: Rule) -> dict[str, Any]:
    return {
        "code": rule.code,
        "id": rule.id,
        "title": rule.title,
        "description": rule.description,
        "category": rule.category,
        "evidence": rule.evidence,
        "weight": rule.weight,
        "level": rule.level,
        "status": rule.status,
        "techniques": list(rule.techniques),
        "falsepositives": list(rule.falsepositives),
        "feature": rule.feature,
        "text": rule.text,
        "condition": condition_text(rule.condition),
        "file": str(rule.path),
    }


def _located(problem: Problem) -> dict[str, Any]:
    return {"file": str(problem.path), "line": problem.line, "reason": problem.reason}


def _tested(outcome: "Outcome") -> dict[str, Any]:
    return {
        "code": outcome.rule.code,
        "name": outcome.test.name,
        "expected": outcome.test.fires,
        "fired": outcome.fired,
        "passed": outcome.passed,
        "file": str(outcome.rule.path),
        "line": outcome.test.line,
    }


def _failure(outcome: "Outcome") -> Problem:
    reason = f"test '{outcome.test.name}' failed: {outcome.rule.code} {_did(outcome.fired)}"
    return Problem(outcome.rule.path, outcome.test.line, reason)


def _did(fired: bool) -> str:
    return "fires" if fired else "silent"


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.table import Table

    from detector.printing import printer

    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        table.add_column(name, no_wrap=index < len(columns) - 1, justify="right" if name == "weight" else "left")
    for row in rows:
        table.add_row(*row, style="red" if row[0] == "FAILED" else "")
    printer().print(table)


def _report(problems: list[Problem]) -> None:
    for problem in problems:
        sys.stderr.write(f"{problem}\n")


def _print(result: Mapping[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(result).decode() + "\n")


def _exit(findings: bool) -> None:
    if findings:
        raise typer.Exit(FINDINGS)
