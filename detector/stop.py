"""How a command ends that cannot go on: one line on standard error, and an exit code."""

import sys
from typing import Final, NoReturn

import typer

FAILURE: Final = 1
USAGE: Final = 2


def stop(message: str, code: int, command: str = "") -> NoReturn:
    """End the command.

    Args:
        message: one line.
        code: exit code.
        command: that says so.
    """
    sys.stderr.write(f"{' '.join(filter(None, ('revenuer', command)))}: {message}\n")
    raise typer.Exit(code)
