"""Files dropped into a folder: growing ones are read as they grow, packed ones once they are there."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import structlog

from streams.adapters.reader import Format, Reader
from streams.batch import Batch, DeadLetter, digest
from streams.decode import MAX_LINE, Origin
from streams.exchange import EXCHANGE_SCHEMA, REQUIRED
from streams.sources import SourceError
from streams.sources.blocks import LongLine
from streams.sources.cursor import decoded

_GROWING: Final = (".ndjson", ".jsonl")
_WHOLE: Final = (".gz", ".zst", ".parquet")
_CHUNK: Final = 1 << 20
_PASSED: Final = 16 << 20  # bytes of an over-long line between two looks at what else there is to do

_log = structlog.get_logger(__name__)


class _Step(NamedTuple):
    """What was read of a growing file, with the bytes and lines that it stands for."""

    batch: Batch
    size: int
    lines: int


_POSITIVE: Final = (1 << 62) - 1


@dataclass
class Inbox:
    """A folder that is read again and again.

    A packed file must come in by a rename, so that it is never seen half-written.

    Attributes:
        folder: where.
        key: of the dead letters' digests.
        chunk: bytes read at a time.
        problems: files that cannot be read at all, with the reason.
        at: how far each file was read: the next byte and line of a growing one, batches of a packed one and 0; of one that
            was refused as a whole 0 and when it was changed.
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
    _long: dict[Path, LongLine] = field(default_factory=dict)

    def batches(self) -> Iterator[Batch]:
        """What came since the last time, file by file in the order of their names."""
        for path in sorted(self.folder.iterdir()):
            try:
                if path.suffix in _GROWING:
                    yield from self._grown(path)
                elif path.suffix in _WHOLE and path.name not in self._done:
                    yield from self._whole(path)
            except OSError as error:  # taken away meanwhile, or not ours to read
                self._note(path, str(error.strerror))

    def _whole(self, path: Path) -> Iterator[Batch]:
        before, refused = self.at.get(path.name, (0, 0))
        # What takes a file's place may be written within the same tick of the file system's clock. 0 says that none was refused.
        now = path.stat()
        changed = max(1, now.st_mtime_ns ^ (now.st_ino << 20) & _POSITIVE)
        if refused == changed:
            return
        try:
            for number, batch in enumerate(decoded(path, self.chunk, self.key, self.format.reader()), 1):
                if number > before:
                    self.at[path.name] = number, 0
                    yield batch
        except SourceError as error:
            self._note(path, str(error))
            if missing := _missing(path):
                # Told once, also over a stop, and read once somebody has put a better one in its place.
                self.at[path.name] = 0, changed
                yield _without_rows([self._refusal(path, missing)])
                return
        self._done.add(path.name)

    def _refusal(self, path: Path, missing: list[str]) -> DeadLetter:
        """The letter of a file none of whose rows is a record."""
        found, detail = digest(self.key, str(path).encode()), ", ".join(missing)
        return DeadLetter(str(path), 1, "missing_field", path.stat().st_size, found, detail)

    def _note(self, path: Path, why: str) -> None:
        if self.problems.get(path.name) != why:
            self.problems[path.name] = why
            _log.warning("inbox_file_unreadable", file=path.name, why=why)

    def _grown(self, path: Path) -> Iterator[Batch]:
        offset, line = self.at.get(path.name, (0, 1))
        size = path.stat().st_size
        if size < offset:  # it was made anew
            offset, line = 0, 1
        if path in self._long and size < offset + self._long[path].length:
            del self._long[path]
        if offset == 0 or path not in self._readers:
            self._readers[path] = self.format.reader()
        with path.open("rb") as file:
            while step := self._step(path, file, offset, Origin(path.name, line, self.key)):
                offset, line = offset + step.size, line + step.lines
                # Before the batch is handed on: a checkpoint after it must not read it again.
                self.at[path.name] = offset, line
                yield step.batch

    def _step(self, path: Path, file: BinaryIO, offset: int, origin: Origin) -> _Step | None:
        """What comes next from `offset` on; None where no line has ended since."""
        if path not in self._long:
            file.seek(offset)
            data = _lines(file, self.chunk)
            if data is not None:
                read = data.removeprefix(BOM_UTF8) if offset == 0 else data
                return _Step(self._readers[path](read, origin), len(data), data.count(b"\n")) if data else None
            _log.warning("inbox_line_too_long", file=path.name, line=origin.first)
        return self._passed_over(path, file, offset, origin)

    def _passed_over(self, path: Path, file: BinaryIO, offset: int, origin: Origin) -> _Step | None:
        """The next piece of an over-long line, with its letter at its end.

        A checkpoint holds where it begins, and only memory how far it was passed over: its letter has the digest of all of it, which
        has to be made from its beginning after a stop.
        """
        long = self._long.setdefault(path, LongLine(b"", self.key))
        file.seek(offset + long.length)
        piece = file.read(_PASSED)
        end = piece.find(b"\n")
        long.add(piece if end < 0 else piece[:end])
        if end < 0:  # a step of its own, so that nobody who posts waits for a line without an end
            return _Step(_without_rows([]), 0, 0) if piece else None
        del self._long[path]
        return _Step(_without_rows([long.letter(origin.name, origin.first)]), long.length + 1, 1)


def _without_rows(dead: list[DeadLetter]) -> Batch:
    return Batch(pl.DataFrame(schema=EXCHANGE_SCHEMA), dead, len(dead))


def _missing(path: Path) -> list[str]:
    """Required columns that a Parquet file lacks; none where it cannot be read, or is of another kind."""
    try:
        names = pq.read_schema(path).names if path.suffix == ".parquet" else REQUIRED
    except (pa.ArrowException, OSError):
        return []
    return [name for name in REQUIRED if name not in names]


def _lines(file: BinaryIO, size: int) -> bytes | None:
    """The whole lines of what comes next; of a longer line, all of it. None where that is longer than a line may be."""
    data = piece = file.read(size)
    while piece and b"\n" not in piece and len(data) <= MAX_LINE:
        piece = file.read(_CHUNK)
        data += piece
    first = data.find(b"\n")
    if max(first, len(data) if first < 0 else 0) > MAX_LINE:
        return None
    return data[: data.rfind(b"\n") + 1]
