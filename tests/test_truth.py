"""No number of the detector comes from the answers: nothing that detects, and nothing that makes its data, can read them."""

import ast
import json
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DETECTS = (
    "streams",
    *(f"detector/{layer}" for layer in ("profiles", "coordination", "scoring", "alerts", "report", "service")),
)
SEES_TRUTH = ("detector.evaluation", "detector.simulator")
ANSWERS = re.compile(r"truth\.json|attack_times|archetype|detector\.(evaluation|simulator)")
NAMES = {"read_truth", "Truth", "attack_times", "archetype"}

# Knows the name of the answers beside a simulated log so that they are not taken for one, and opens no file.
PASSES_OVER = "streams/sources/found.py"

# What ships as numbers, and the script that made it. A new data file needs its line, and a maker that sees no truth.
MADE_BY = {
    "detector/profiles/data/capability.npz": "benchmarks/train_capability.py",
    "detector/scoring/data/anomaly.model": "benchmarks/build_anomaly.py",
    "detector/scoring/data/reference.json": "benchmarks/build_reference.py",
    "detector/simulator/data/servegen.json": "benchmarks/derive_servegen.py",
    "detector/simulator/data/teacher.npz": "benchmarks/train_teacher.py",
}


def offences(source, *, may_simulate=False):
    """Whatever in a module leads to the answers: imports, names and strings, of paths and of keys; docstrings may tell of them."""
    tree = ast.parse(source)
    told = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, clean=False)
    }
    hidden = ("detector.evaluation",) if may_simulate else SEES_TRUTH
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module)) if f"{module}.".startswith(tuple(f"{name}." for name in hidden)):
                yield f"imports {module}"
            case ast.ImportFrom(module="detector", names=names):
                yield from (f"imports {n.name}" for n in names if f"detector.{n.name}" in hidden)
            case ast.Import(names=names):
                yield from (f"imports {n.name}" for n in names if n.name.startswith(hidden))
            case ast.Constant(value=str(text)) if id(node) not in told and ANSWERS.search(text):
                yield f"says {text!r}"
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) if name in NAMES:
                yield f"uses {name}"


@pytest.mark.parametrize("layer", DETECTS)
def test_nothing_that_detects_can_read_the_answers(layer):
    paths = list((ROOT / layer).rglob("*.py"))
    assert paths
    found = {str(path.relative_to(ROOT)): list(offences(path.read_text())) for path in paths}
    if layer == "streams":
        assert found.pop(PASSES_OVER) == ["says 'truth.json'"]
    assert {path: what for path, what in found.items() if what} == {}


def test_who_knows_the_name_of_the_answers_opens_no_file():
    calls = {
        node.attr for node in ast.walk(ast.parse((ROOT / PASSES_OVER).read_text())) if isinstance(node, ast.Attribute)
    }
    assert not {name for name in calls if "open" in name or "read" in name or "load" in name}


def test_rules_and_settings_do_not_either():
    paths = [ROOT / "detector/config.py", *(ROOT / "rules").glob("*.yml")]
    assert len(paths) > 10
    assert [path.name for path in paths if ANSWERS.search(path.read_text())] == []


@pytest.mark.parametrize(
    "source",
    [
        "from detector.evaluation.inputs import read_truth",
        "from detector import evaluation",
        "import detector.simulator.truth",
        "import importlib\nlevel = importlib.import_module('detector.evaluation.inputs')",
        "from pathlib import Path\nlevel = Path('world/truth.json').read_bytes()",
        "def level(world):\n    return world['attack_times']",
        "def level(world):\n    return world.archetype",
    ],
)
def test_the_search_finds_a_way_to_the_answers(source):
    assert list(offences(source))


def test_a_docstring_may_tell_of_them():
    assert list(offences('"""Reads no truth.json."""\nfrom detector.evaluations import x')) == []


def test_every_number_file_names_its_maker():
    suffixes = {".npz", ".npy", ".json", ".csv", ".parquet", ".pt", ".gz", ".zst", ".model"}
    shipped = {
        str(path.relative_to(ROOT))
        for folder in ("detector", "streams", "rules")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in suffixes and "__pycache__" not in path.parts
    }
    assert shipped == set(MADE_BY)


@pytest.mark.parametrize(("data", "maker"), MADE_BY.items())
def test_its_maker_names_it_and_sees_no_answers(data, maker):
    source = (ROOT / maker).read_text()
    assert data in source
    assert list(offences(source, may_simulate=True)) == []
    for name in re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE):
        other = ROOT / "benchmarks" / f"{name}.py"  # a script beside it
        if other.exists():
            assert list(offences(other.read_text(), may_simulate=True)) == []


def test_the_reference_is_of_a_world_without_campaigns():
    made_from = json.loads((ROOT / "detector/scoring/data/reference.json").read_text())["made_from"]
    world = re.fullmatch(r"simulated world (\w+), scale .*", made_from).group(1)
    described = yaml.safe_load((ROOT / f"detector/simulator/worlds/{world}.yml").read_text())
    assert not described.get("campaigns")
    assert f'load_world("{world}")' in (ROOT / MADE_BY["detector/scoring/data/reference.json"]).read_text()


def test_every_rule_names_what_it_rests_on():
    for path in (ROOT / "rules").glob("*.yml"):
        assert yaml.safe_load(path.read_text()).get("references"), path.name
