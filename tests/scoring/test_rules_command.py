"""`revenuer rules`: exit codes and JSON."""

import json

import pytest
from rich.console import Console
from rule_files import SOUND, line_of, written
from typer.testing import CliRunner

from detector.scoring.rules import default_folder, load_rules
from detector.scoring.rules.cli import rules_app

COMMANDS = ("list", "lint", "test")


def run(*arguments):
    return CliRunner().invoke(rules_app, [str(each) for each in arguments])


@pytest.mark.parametrize("command", COMMANDS)
def test_the_rules_that_ship_are_sound(command):
    result = run(command, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["problems"] == []
    assert run(command).exit_code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_a_broken_file_is_a_finding(command, tmp_path):
    text = SOUND.replace("requests|gt_benign", "request|gt_benign")
    path = written(tmp_path, text)
    result = run(command, path, "--json")
    assert result.exit_code == 1
    [problem] = json.loads(result.stdout)["problems"]
    assert problem == {"file": str(path), "line": line_of(text, "request|"), "reason": "unknown field 'request'"}
    plain = run(command, path)
    assert plain.exit_code == 1
    assert f"{path}:{problem['line']}: unknown field 'request'" in plain.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_path_that_is_not_there_is_misuse(command, tmp_path):
    result = run(command, tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "no such file or folder" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_failing_inline_test_is_a_finding_with_its_line(tmp_path):
    text = SOUND.replace("tool_result_share: 0.9", "tool_result_share: 0.1")
    path = written(tmp_path, text)
    assert run("lint", path).exit_code == 0
    result = run("test", path, "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["failed"] == 1
    failed = [test for test in report["tests"] if not test["passed"]]
    assert [(t["name"], t["fired"], t["line"]) for t in failed] == [("an agent", True, line_of(text, "an agent"))]
    assert "FAILED" in run("test", path).stdout


def test_the_tests_of_a_broken_file_are_not_run_and_that_is_said(tmp_path):
    broken = written(tmp_path, SOUND.replace("requests|gt_benign", "request|gt_benign"))
    alone = run("test", broken)
    assert (alone.exit_code, alone.stdout) == (1, "not run: 1 file is broken\n")
    assert alone.stderr.startswith(f"{broken}:")
    sound = tmp_path / "sound"
    sound.mkdir()
    written(sound)
    beside = run("test", broken, sound)
    assert beside.exit_code == 1
    assert beside.stdout.endswith("2 tests of 1 rules, 0 failed; not run: 1 file is broken\n")


@pytest.fixture
def narrow(monkeypatch):
    """Commands print to a terminal of 80 columns."""
    made = lambda: Console(width=80, force_terminal=True, color_system=None)  # noqa: E731 - in place of a function
    monkeypatch.setattr("detector.printing.printer", made)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("command", ["list", "test"])
def test_nothing_is_cut_off_at_80_columns(command):
    said = run(command).stdout
    assert max(map(len, said.splitlines())) <= 80
    assert "…" not in said
    assert all(rule.code in said for rule in load_rules())
    # Titles and names of tests have room: on average more than three words a line.
    words = [line.split() for line in said.splitlines()]
    assert sum(map(len, words)) > 3 * len(words)


def test_where_no_terminal_is_a_rule_is_one_line():
    lines = run("list").stdout.splitlines()
    for rule in load_rules():
        (line,) = [line for line in lines if line.startswith(f"{rule.code} ")]
        assert line.rstrip().endswith(rule.title)


def test_list_tells_what_a_rule_does(tmp_path):
    [rule] = json.loads(run("list", written(tmp_path), "--json").stdout)["rules"]
    assert rule["techniques"] == ["AML.T0024.002"]
    assert rule["condition"] == "(requests > benign p99 and multi_turn_share < 0.1) and not tool_result_share > 0.2"


def test_a_folder_and_a_file_in_it_are_one_set():
    folder = default_folder()
    both = run("lint", folder, next(iter(sorted(folder.glob("*.yml")))), "--json")
    assert both.exit_code == 0
    assert json.loads(both.stdout)["files"] == len(list(folder.glob("*.yml")))
