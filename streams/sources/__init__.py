"""Sources of batches; all have one method, `batches()`."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from streams.batch import Batch


class SourceError(Exception):
    """A source cannot be read at all; the message is one line and names it."""


class NoColumnError(SourceError):
    """A file has no record in it: it lacks columns that each must have.

    Attributes:
        missing: their names.
    """

    def __init__(self, message: str, missing: Sequence[str]) -> None:
        super().__init__(message)
        self.missing = missing


class Source(Protocol):
    """Where batches come from."""

    def batches(self) -> Iterator["Batch"]:
        """Batches in event-time order, records at most `LATENESS` late."""
        ...
