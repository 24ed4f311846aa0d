"""Where commands print tables: a terminal has a width, a file or a pipe has none."""

import sys
from typing import Final

from rich.console import Console

_ENDLESS: Final = 10_000  # columns; tables take what they need of them


def printer() -> Console:
    """A console on standard output that cuts nothing off where no terminal ends its lines."""
    return Console() if sys.stdout.isatty() else Console(width=_ENDLESS)
