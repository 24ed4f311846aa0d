"""`docs/security.md` names modules and tests that exist, and leaves no threat without one."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| ")][
    1:
]
THREATS = (
    "Hostile prompts",
    "Log forgery",
    "Account flood of 10 M new ids",
    "Hash flooding",
    "ReDoS in rules",
    "SSRF in webhooks",
    "CSV injection",
    "XSS through skeletons",
    "Token theft",
    "Poisoned feedback",
    "Tampered checkpoints and journal",
    "Pickle",
)


@cache
def functions_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def named(text: str) -> list[tuple[str, str]]:
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_each_threat_has_a_defence_in_a_module_and_a_test(row):
    threat, defence, where, shown = row
    assert threat
    assert len(defence.split()) > 3
    modules = re.findall(r"`([\w/.]+)`", where)
    assert modules
    assert [path for path in modules if not (ROOT / path).is_file()] == []
    tests = named(shown)
    assert tests
    assert len(tests) == shown.count("::")
    assert [f"{path}::{name}" for path, name in tests if name not in functions_in(path)] == []
    assert all(name.startswith("test_") for _, name in tests)


@pytest.mark.parametrize("threat", THREATS)
def test_no_threat_is_left_out(threat):
    assert any(row[0].startswith(threat) for row in ROWS)


def test_links_lead_to_files():
    assert [p for p in re.findall(r"\]\(([^)#]+)", PAGE) if not (ROOT / "docs" / p).is_file()] == []
