"""The files of a replay, decoded and digested by executors, merged here by the very code that merges files locally."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import polars as pl

from detector.profiles.columns import Keys
from detector.service.spark import tasks
from detector.service.spark.packed import opened
from detector.service.spark.session import Say, on_disk, told, watched
from streams.batch import Batch, DeadLetter
from streams.exchange import EXCHANGE_SCHEMA
from streams.sources import SourceError
from streams.sources.files import FileSource

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession

_PIECE: Final = 64 << 20  # bytes that Spark hands to the driver in one piece; it holds two

_letters = msgspec.json.Decoder(list[DeadLetter])


@dataclass(kw_only=True)
class SparkSource(FileSource):
    """Exchanges from files that executors read: batches like those of `FileSource`, with digests in place of text.

    The order of records, what is a batch, dead letters and counts are those of a local replay, since chunks are cut and merged alike.

    Attributes:
        session: of Spark.
        keys: secrets of the hashes.
        say: told how many files are digested.
    """

    session: "SparkSession"
    keys: Keys
    say: Say
    _opening: dict[str, int] = field(init=False, default_factory=dict)
    _chunks: dict[str, int] = field(init=False, default_factory=dict)
    _stream: Iterator["Row"] = field(init=False, default_factory=lambda: iter(()))
    _early: dict[int, deque["Row"]] = field(init=False, default_factory=dict)

    def batches(self) -> Iterator[Batch]:
        """Batches sorted by time; the first one comes when all files are digested.

        Raises:
            SourceError: a file cannot be read at all.
            SparkFailedError: a task failed.
        """
        with told():
            digested = self._digest()
            try:
                yield from super().batches()
            finally:
                digested.unpersist()

    def words(self, asked: Sequence[tasks.Ask]) -> list[str]:
        """Fixed words of texts, each empty where there are none; executors read the files that hold them once more.

        Raises:
            SparkFailedError: a task failed.
        """
        groups = [list(group) for _, group in groupby(sorted(enumerate(asked), key=_files), key=_files)]
        with told():
            task = partial(tasks.words, self._job, groups)
            rows = self._over(len(groups)).mapInArrow(task, tasks.WORDS).collect()
        by_number = {row["ask"]: row["words"] for row in rows}
        return [by_number[number] for number in range(len(asked))]

    @property
    def _job(self) -> tasks.Job:
        paths = tuple(str(path) for path in self.files)
        stray = frozenset(map(str, self.stray))
        return tasks.Job(paths, str(Path.cwd()), self.batch_bytes, self.format, self.keys, version("revenuer"), stray)

    def _over(self, count: int) -> "DataFrame":
        """Numbers from 0, one a task."""
        return self.session.range(0, count, 1, count)

    def _digest(self) -> "DataFrame":
        """Have all files digested; what comes of it waits on the executors' disks."""
        numbers = self._over(len(self.files))
        frame = on_disk(numbers.mapInArrow(partial(tasks.digested, self._job), tasks.CHUNKS))
        facts = frame.selectExpr("file", "chunk", "at", "error", "coalesce(length(rows), 0) as bytes")
        rows = watched(self.session, facts.collect, len(self.files), self.say)
        for row in rows:
            path = str(self.files[row["file"]])
            if row["error"] is not None:
                raise SourceError(row["error"])
            if row["chunk"] == tasks.OPENING:
                self._opening[path] = row["at"]
            else:
                self._chunks[path] = max(self._chunks.get(path, 0), row["chunk"] + 1)
        pieces = 1 + sum(row["bytes"] for row in rows) // _PIECE
        # In the order in which the merge asks for them, so that next to nothing has to wait here.
        order = ("at", "file", "chunk")
        sorted_ = frame.repartitionByRange(pieces, *order).sortWithinPartitions(*order)
        self._stream = sorted_.filter(f"chunk <> {tasks.OPENING}").toLocalIterator(prefetchPartitions=True)
        return frame

    def first(self, path: Path) -> int:
        """Event time of a file's first record, µs; 0 where its beginning cannot be read."""
        return self._opening[str(path)]

    def chunks(self, path: Path) -> Iterator[Batch]:
        """Batches of one file, digested, in the order of its records."""
        file = self.files.index(path)
        for _ in range(self._chunks.get(str(path), 0)):
            yield _batch(self._next(file))

    def _next(self, file: int) -> "Row":
        """The next chunk of a file; those of others that come before it wait."""
        if early := self._early.get(file):
            return early.popleft()
        while (row := next(self._stream))["file"] != file:
            self._early.setdefault(row["file"], deque()).append(row)
        return row


def _files(numbered: tuple[int, tasks.Ask]) -> list[int]:
    return sorted({file for file, _, _ in numbered[1].places})


def _batch(row: Any) -> Batch:  # noqa: ANN401 - a row's fields have no types
    packed, dead = row["rows"], row["dead"]
    frame = pl.DataFrame(schema=EXCHANGE_SCHEMA)
    if packed is not None:
        frame = opened(bytes(packed), row["file"], row["chunk"])
    return Batch(frame, _letters.decode(bytes(dead)) if dead is not None else [], row["read"], row["skipped"])
