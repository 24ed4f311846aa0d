"""Files dropped into a folder: growing ones are read as they grow, packed ones once they are there."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl
import structlog

from streams.adapters.reader import Format, Reader
from streams.batch import Batch
from streams.decode import MAX_LINE, Origin
from streams.exchange import EXCHANGE_SCHEMA
from streams.sources import SourceError
from streams.sources.blocks import Long
from streams.sources.cursor import decoded

_GROWING: Final = (".ndjson", ".jsonl")
_WHOLE: Final = (".gz", ".zst", ".parquet")
_CHUNK: Final = 1 << 20

_log = structlog.get_logger(__name__)


@dataclass
class Inbox:
    """A folder that is read again and again.

    A packed file must come in by a rename, so that it is never seen half-written.

    Attributes:
        folder: where.
        key: of the dead letters' digests.
        chunk: bytes read at a time.
        problems: files that cannot be read at all, with the reason.
        at: how far each file was read: the next byte and line of a growing one, batches of a packed one and 0.
        format: of the files.
    """

    folder: Path
    key: bytes = b""
    chunk: int = _CHUNK
    problems: dict[str, str] = field(default_factory=dict)
    at: dict[str, tuple[int, int]] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)
    format: Format = field(default_factory=Format)
    _readers: dict[Path, Reader] = field(default_factory=dict)

    def batches(self) -> Iterator[Batch]:
        """What came since the last time, file by file in the order of their names."""
        for path in sorted(self.folder.iterdir()):
            if path.suffix in _GROWING:
                try:
                    yield from self._grown(path)
                except OSError as error:  # taken away meanwhile, or not ours to read
                    self._note(path, str(error.strerror))
            elif path.suffix in _WHOLE and path.name not in self._done:
                yield from self._whole(path)
                self._done.add(path.name)

    def _whole(self, path: Path) -> Iterator[Batch]:
        before, _ = self.at.get(path.name, (0, 0))
        try:
            for number, batch in enumerate(decoded(path, self.chunk, self.key, self.format.reader()), 1):
                if number > before:
                    self.at[path.name] = number, 0
                    yield batch
        except SourceError as error:
            self._note(path, str(error))

    def _note(self, path: Path, why: str) -> None:
        if self.problems.get(path.name) != why:
            self.problems[path.name] = why
            _log.warning("inbox_file_unreadable", file=path.name, why=why)

    def _grown(self, path: Path) -> Iterator[Batch]:
        offset, line = self.at.get(path.name, (0, 1))
        if path.stat().st_size < offset:  # it was made anew
            offset, line = 0, 1
        if offset == 0 or path not in self._readers:
            self._readers[path] = self.format.reader()
        with path.open("rb") as file:
            file.seek(offset)
            while part := _next(file, self.chunk, self.key):
                begins, first = offset == 0, line
                if isinstance(part, Long):
                    offset, line = offset + part.length + 1, line + 1
                else:
                    offset, line = offset + len(part), line + part.count(b"\n")
                # Before the batch is handed on: a checkpoint after it must not read it again.
                self.at[path.name] = offset, line
                if isinstance(part, Long):
                    yield Batch(pl.DataFrame(schema=EXCHANGE_SCHEMA), [part.letter(path.name, first)], 1)
                else:
                    part = part.removeprefix(BOM_UTF8) if begins else part
                    yield self._readers[path](part, Origin(path.name, first, self.key))
                file.seek(offset)


def _next(file: BinaryIO, chunk: int, key: bytes) -> bytes | Long | None:
    """The whole lines that are read at a time, or one that is over-long; None where none has ended yet."""
    data = file.read(chunk)
    while data and b"\n" not in data:
        if len(data) > MAX_LINE:
            return _long(file, Long(data, key))
        piece = file.read(_CHUNK)
        if not piece:
            return None
        data += piece
    return data[: data.rfind(b"\n") + 1] or None


def _long(file: BinaryIO, line: Long) -> Long | None:
    while piece := file.read(_CHUNK):
        end = piece.find(b"\n")
        line.add(piece if end < 0 else piece[:end])
        if end >= 0:
            return line
    return None
