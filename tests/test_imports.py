"""Imports run one way."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ORDER = [
    "streams",
    "detector.profiles",
    "detector.coordination",
    "detector.scoring",
    "detector.alerts",
    "detector.service",
]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names)


@pytest.mark.parametrize("layer", ORDER)
def test_no_layer_looks_up(layer):
    above = (*ORDER[ORDER.index(layer) + 1 :], "detector.simulator", "detector.evaluation", "detector.cli")
    for path in (ROOT / layer.replace(".", "/")).rglob("*.py"):
        for name in imports(path):
            assert not name.startswith(above), f"{path} imports {name}"


def test_attackers_cannot_see_the_detector():
    for path in (ROOT / "detector" / "simulator").rglob("*.py"):
        for name in imports(path):
            assert not name.startswith(tuple(ORDER[1:])), f"{path} imports {name}"
