"""No file that the program reads can make it run code, and what was changed on disk is noticed or harmless."""

import ast
from pathlib import Path

import pytest

from streams.checkpoint import pack, unpack

ROOT = Path(__file__).parents[2]
SOURCES = sorted(p for folder in ("streams", "detector") for p in (ROOT / folder).rglob("*.py"))
LOADERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
CALLS = {"eval", "exec", "compile", "__import__"}


def dangers(source: str) -> set[str]:
    """What in a source could run what a file holds."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            found |= {name for name in names if name.partition(".")[0] in LOADERS}
        if not isinstance(node, ast.Call):
            continue
        called, given = ast.unparse(node.func), ast.unparse(node)
        if called in CALLS:
            found.add(called)
        if called.endswith((".read_pickle", ".to_pickle")) or "allow_pickle=True" in given:
            found.add(called)
        if called in {"np.load", "numpy.load"} and "allow_pickle=False" not in given:
            found.add(called)
        if called == "yaml.load" and "SafeLoader" not in given:
            found.add(called)
        if called == "torch.load" and "weights_only=True" not in given:
            found.add(called)
        if called.startswith("subprocess.") and "shell=True" in given:
            found.add(called)
    return found


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("import pickle", "pickle"),
        ("from joblib import load", "joblib"),
        ("np.load(p)", "np.load"),
        ("np.load(p, allow_pickle=True)", "np.load"),
        ("yaml.load(t, yaml.Loader)", "yaml.load"),
        ("torch.load(p)", "torch.load"),
        ("x = eval(t)", "eval"),
        ("subprocess.run(t, shell=True)", "subprocess.run"),
    ],
)
def test_the_search_sees_what_it_looks_for(source, seen):
    assert seen in dangers(source)


def test_nothing_that_is_read_can_run():
    assert len(SOURCES) > 100
    assert {str(p.relative_to(ROOT)): found for p in SOURCES if (found := dangers(p.read_text()))} == {}


@pytest.mark.parametrize("place", [0, 31, 32, 40, -1])
def test_a_changed_byte_of_a_state_is_noticed(place):
    data = bytearray(pack({"offsets": [[0, 7]], "engine": {"name": "x" * 100}}))
    data[place] ^= 1
    with pytest.raises(ValueError, match="checksum"):
        unpack(bytes(data))
