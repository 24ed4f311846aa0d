"""How a command ends that cannot go on: one line on standard error, and an exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def misuse(*wrong: type[Exception], command: str = "") -> Iterator[None]:
    """End the command where what it was given is wrong or a file cannot be used; anything else is a mistake of ours and goes on up.

    Args:
        wrong: errors that say what was given.
        command: that says so.
    """
    try:
        yield
    except wrong as error:
        stop(str(error).splitlines()[0], USAGE, command)
    except OSError as error:
        stop(f"{error.filename}: {error.strerror}", USAGE, command)
