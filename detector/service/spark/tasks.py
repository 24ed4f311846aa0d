"""What runs on executors: a file decoded and digested, and the fixed words of texts that evidence may show. Text stays here."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa

from detector.profiles.capability import CapabilityModel
from detector.profiles.columns import Keys, digest
from detector.profiles.text import common_skeleton
from detector.service.skeletons import rows_with, texts_of
from detector.service.spark.packed import pack
from streams.adapters.reader import Format
from streams.batch import Batch
from streams.sources import SourceError
from streams.sources.files import FileSource, in_time_order

Parts = Iterator[pa.RecordBatch]
OPENING: Final = -1  # in place of a chunk's number: says when the file is opened
# What `digested` gives: a row for each file and each chunk of it, in Spark's words and in Arrow's.
CHUNKS: Final = "file int, chunk int, at long, read long, skipped long, dead binary, rows binary, error string"
WORDS: Final = "ask int, words string"
_CHUNK: Final = pa.schema(
    [
        ("file", pa.int32()),
        ("chunk", pa.int32()),
        ("at", pa.int64()),
        ("read", pa.int64()),
        ("skipped", pa.int64()),
        ("dead", pa.binary()),
        ("rows", pa.binary()),
        ("error", pa.string()),
    ]
)
_WORD: Final = pa.schema([("ask", pa.int32()), ("words", pa.string())])
_encode = msgspec.json.Encoder().encode


class TaskError(Exception):
    """A mistake of ours on an executor: its type and place, and no message, which might hold text."""


@dataclass(frozen=True)
class Job:
    """What every task of a replay is given.

    Attributes:
        paths: files, as they were given.
        folder: that relative paths are meant from.
        batch_bytes: size of the chunks that are decoded at a time.
        format: of the files.
        keys: secrets of the hashes.
        version: of this package on the driver.
        stray: paths that nobody has named.
    """

    paths: tuple[str, ...]
    folder: str
    batch_bytes: int
    format: Format
    keys: Keys
    version: str
    stray: frozenset[str] = frozenset()

    def source(self, file: int) -> FileSource:
        """One file as a local replay reads it.

        Raises:
            SourceError: this executor cannot find it, or has another version of the package.
        """
        if (here := version("revenuer")) != self.version:
            raise SourceError(f"revenuer {self.version} on the driver, {here} on an executor")
        with suppress(OSError):  # the open says better what is wrong
            os.chdir(self.folder)
        path = self.paths[file]
        made = FileSource([path], self.batch_bytes, digest_key=self.keys.letters, format=self.format)
        if path in self.stray:
            made.stray = set(made.files)
        return made


class Ask(NamedTuple):
    """Fixed words that are wanted.

    Attributes:
        kind: of link.
        key: short hash of the text.
        places: file, chunk and row of exchanges that have it.
    """

    kind: int
    key: int
    places: tuple[tuple[int, int, int], ...]


@cache
def _model() -> CapabilityModel:
    return CapabilityModel.load()


def _numbers(parts: Parts) -> Iterator[int]:
    for part in parts:
        yield from part.column(0).to_pylist()


def _guarded(what: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    """The same rows; of an error that is no misuse only type and place go on, for Spark logs messages and sends them around."""
    try:
        yield from what()
    except SourceError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it may quote a record
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
        raise TaskError(f"{type(error).__name__}{place}") from None


def digested(job: Job, parts: Parts) -> Parts:
    """The files of one task as rows of `CHUNKS`.

    Args:
        job: of the replay.
        parts: numbers of files.
    """
    for file in _numbers(parts):
        try:
            for row in _guarded(partial(_file, job, file)):
                yield pa.RecordBatch.from_pylist([row], _CHUNK)
        except SourceError as error:
            yield pa.RecordBatch.from_pylist([{"file": file, "chunk": OPENING, "error": str(error)}], _CHUNK)


def _file(job: Job, file: int) -> Iterator[dict[str, Any]]:
    source = job.source(file)
    at = source.first(source.files[0])
    yield {"file": file, "chunk": OPENING, "at": at}
    for number, batch in enumerate(_chunks(source)):
        row: dict[str, Any] = {"file": file, "chunk": number, "at": at, "read": batch.read, "skipped": batch.skipped}
        if batch.frame.height:
            row["rows"] = pack(batch.frame, digest(batch.frame, _model(), job.keys))
            at = max(at, int(batch.frame["ts"].to_physical()[-1]))
        if batch.dead:
            row["dead"] = _encode(batch.dead)
        yield row


def _chunks(source: FileSource) -> Iterator[Batch]:
    for batch in source.chunks(source.files[0]):
        batch.frame = in_time_order(batch.frame)
        yield batch


def words(job: Job, asked: Sequence[Sequence[tuple[int, Ask]]], parts: Parts) -> Parts:
    """Fixed words as rows of `WORDS`; empty where a file is no more what it was.

    Args:
        job: of the replay.
        asked: by task what is wanted from the same files, each with its number.
        parts: numbers of tasks.
    """
    for number in _numbers(parts):
        try:
            rows = list(_guarded(partial(_words, job, asked[number])))
        except SourceError:  # the alerts stand without them
            rows = [{"ask": ask, "words": ""} for ask, _ in asked[number]]
        yield pa.RecordBatch.from_pylist(rows, _WORD)


def _words(job: Job, asked: Sequence[tuple[int, Ask]]) -> Iterator[dict[str, Any]]:
    wanted = {place for _, ask in asked for place in ask.places}
    found: dict[tuple[int, int, int], pl.DataFrame] = {}
    for file in sorted({file for file, _, _ in wanted}):
        found |= _rows(job, file, {(chunk, row) for of, chunk, row in wanted if of == file})
    for number, ask in asked:
        yield {"ask": number, "words": _of(ask, [found[place] for place in ask.places if place in found], job.keys)}


def _rows(job: Job, file: int, wanted: set[tuple[int, int]]) -> dict[tuple[int, int, int], pl.DataFrame]:
    """Exchanges of a file by their places; a file is read up to the last of them, for only its beginning may say its format."""
    last = max(chunk for chunk, _ in wanted)
    return {
        (file, number, row): batch.frame[row]
        for number, batch in enumerate(islice(_chunks(job.source(file)), last + 1))
        for chunk, row in wanted
        if chunk == number and row < batch.frame.height
    }


def _of(ask: Ask, rows: Sequence[pl.DataFrame], keys: Keys) -> str:
    if len(rows) < len(ask.places):
        return ""
    frame = pl.concat(rows)
    # Five strangers share this text, as the driver saw; that it is this text is seen here.
    columns = digest(frame, _model(), keys).columns
    if rows_with(columns, ask.kind, np.uint32(ask.key)).size < frame.height:
        return ""
    return common_skeleton(texts_of(frame, ask.kind).to_list())
