"""Dead letters as NDJSON: position, reason, length and digest, never text."""

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from streams.batch import DeadLetter


class DeadLetterFile:
    """A file of dead letters, written as they come.

    Args:
        path: made anew.
    """

    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] = path.open("wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, letters: Iterable[DeadLetter]) -> None:
        """Append letters."""
        for letter in letters:
            self._file.write(msgspec.json.encode(letter) + b"\n")
