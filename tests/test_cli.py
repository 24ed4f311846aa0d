"""The command itself: its help waits for nothing, and says what each command says of itself."""

import subprocess
import sys

import pytest

from detector.cli import COMMANDS, load, whole

HEAVY = ("torch", "fastapi", "sqlalchemy", "polars", "numba", "numpy", "scipy", "sklearn", "kafka", "uvicorn")


def loaded(*arguments):
    """Heavy modules that a run of the command had loaded at its end, and what it printed."""
    code = (
        "import atexit, sys; from detector.cli import main;"
        f"atexit.register(lambda: sys.stderr.write(' '.join(m for m in {HEAVY!r} if m in sys.modules)));"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stderr.split(), done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        *([name, "--help"] for name in COMMANDS),
        ["rules", "list"],
        ["config", "show"],
        ["config", "show", "--json"],
    ],
    ids=" ".join,
)
def test_no_help_and_no_list_waits_for_what_stands_behind_the_commands(arguments):
    heavy, said = loaded(*arguments)
    assert heavy == []
    assert said


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_shows_of_a_command_what_it_says_of_itself(name):
    command = load(name)
    assert command.name == name
    assert command.help.partition("\n")[0] == COMMANDS[name][1]


def test_the_documentation_sees_all_options():
    group = whole()
    assert list(group.commands) == list(COMMANDS)
    assert {p.name for p in group.commands["serve"].params} >= {"data", "host", "port", "config"}
    assert set(group.commands["rules"].commands) == {"list", "lint", "test"}


def test_a_command_that_is_none_is_misuse():
    code = "from detector.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "replayy"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "replay" in done.stderr
