"""Files dropped into a folder: growing ones are read as they grow, packed ones once they are there."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from streams.adapters.reader import Format, Reader
from streams.batch import Batch
from streams.decode import MAX_LINE, Origin
from streams.sources import SourceError
from streams.sources.cursor import decoded

_GROWING: Final = (".ndjson", ".jsonl")
_WHOLE: Final = (".gz", ".zst", ".parquet")
_CHUNK: Final = 8 << 20

_log = structlog.get_logger(__name__)


@dataclass
class Inbox:
    """A folder that is read again and again.

    A packed file must come in by a rename, so that it is never seen half-written.

    Attributes:
        folder: where.
        key: of the dead letters' digests.
        problems: files that cannot be read at all, with the reason.
        format: of the files.
    """

    folder: Path
    key: bytes = b""
    problems: dict[str, str] = field(default_factory=dict)
    format: Format = field(default_factory=Format)
    _at: dict[Path, tuple[int, int]] = field(default_factory=dict)
    _done: set[Path] = field(default_factory=set)
    _readers: dict[Path, Reader] = field(default_factory=dict)

    def batches(self) -> Iterator[Batch]:
        """What came since the last time, file by file in the order of their names."""
        for path in sorted(self.folder.iterdir()):
            if path.suffix in _GROWING:
                try:
                    yield from self._grown(path)
                except OSError as error:  # taken away meanwhile, or not ours to read
                    self._note(path, str(error.strerror))
            elif path.suffix in _WHOLE and path not in self._done:
                self._done.add(path)
                yield from self._whole(path)

    def _whole(self, path: Path) -> Iterator[Batch]:
        try:
            yield from decoded(path, _CHUNK, self.key, self.format.reader())
        except SourceError as error:
            self._note(path, str(error))

    def _note(self, path: Path, why: str) -> None:
        if self.problems.get(path.name) != why:
            self.problems[path.name] = why
            _log.warning("inbox_file_unreadable", file=path.name, why=why)

    def _grown(self, path: Path) -> Iterator[Batch]:
        offset, line = self._at.get(path, (0, 1))
        if path.stat().st_size < offset:  # it was made anew
            offset, line = 0, 1
        if offset == 0:
            self._readers[path] = self.format.reader()
        with path.open("rb") as file:
            file.seek(offset)
            while data := _lines(file.read(_CHUNK), file.read1):
                yield self._readers[path](data, Origin(path.name, line, self.key))
                offset, line = offset + len(data), line + data.count(b"\n")
                self._at[path] = offset, line
                file.seek(offset)


def _lines(data: bytes, more: object) -> bytes:
    """The whole lines of what was read; of a longer line, all of it."""
    end = data.rfind(b"\n") + 1
    while end == 0 and data and len(data) <= MAX_LINE and callable(more):
        piece = more(_CHUNK)
        if not piece:
            return b""
        data += piece
        end = data.rfind(b"\n") + 1
    return data[:end] if end else b""
