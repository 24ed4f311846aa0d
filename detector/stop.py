"""How a command ends that cannot go on: one line on standard error, and an exit code."""

import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import typer

FAILURE: Final = 1
USAGE: Final = 2
_SYSTEM: Final = "(os error "
_WRITERS: Final = re.compile("(write|sink)_(parquet|ndjson)")


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
    except OSError as error:  # before the others, for some of them are such, too, and say "[Errno 2] …" of themselves
        stop(_cause(error), USAGE, command)
    except wrong as error:
        stop(str(error).splitlines()[0], USAGE, command)


@contextmanager
def failing(where: Path, command: str = "") -> Iterator[None]:
    """End the command where the system refuses what it writes: a full disk is no misuse.

    Args:
        where: file or folder that is written, named where the system names none.
        command: that says so.
    """
    try:
        yield
    except OSError as error:
        stop(_cause(error, where), FAILURE, command)
    except Exception as error:
        # Polars has an error of its own for what the system refuses, as for much else, and does not always say what it was.
        if not any(_WRITERS.fullmatch(frame.name) for frame in traceback.extract_tb(error.__traceback__)):
            raise
        said = " ".join(str(error).split())
        refused = said.partition(_SYSTEM)[0].rpartition(": ")[2].strip()
        stop(
            f"{where}: {refused}" if _SYSTEM in said else f"{where}: cannot be written; is the disk full? ({said})",
            FAILURE,
            command,
        )


def placed(out: Path, command: str = "") -> None:
    """End the command where a file cannot be put: better at once than after all the work."""
    if not out.parent.is_dir():
        stop(f"{out.parent}: no such folder", USAGE, command)
    if out.is_dir():
        stop(f"{out}: it is a folder", USAGE, command)
    if not os.access(out if out.exists() else out.parent, os.W_OK):
        stop(f"{out}: it may not be written", USAGE, command)


def _cause(error: OSError, where: Path | None = None) -> str:
    """What the system refused and why, on one line."""
    said = error.strerror or (str(error).splitlines() or [type(error).__name__])[0].partition(_SYSTEM)[0].strip()
    named = error.filename if error.filename is not None else where
    return said if named is None else f"{named}: {said}"
