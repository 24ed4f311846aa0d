"""Sources of batches; all have one method, `batches()`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from streams.batch import Batch


class SourceError(Exception):
    """A source cannot be read at all; the message is one line and names it."""


class Source(Protocol):
    """Where batches come from."""

    def batches(self) -> Iterator["Batch"]:
        """Batches in event-time order, records at most `LATENESS` late."""
        ...
