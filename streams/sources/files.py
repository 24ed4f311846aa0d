"""Files, globs and folders as one stream in event-time order, in bounded memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from streams.adapters.reader import Format
from streams.batch import Batch
from streams.exchange import EXCHANGE_SCHEMA
from streams.sources.cursor import decoded, first_time
from streams.sources.found import NoLogs, find
from streams.sources.prefetch import prefetch

LATENESS_US = 600_000_000  # records may be ten minutes out of order


def in_time_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Records by `ts`; those of one time stay in their order."""
    return frame if frame["ts"].is_sorted() else frame.sort("ts", maintain_order=True)


@dataclass
class _Open:
    """A file being read: what is decoded of it and not handed on yet.

    Attributes:
        batches: the rest of it.
        frame: rows waiting, sorted.
        seen: latest event time of it so far, µs.
        done: whether it has ended.
    """

    batches: Iterator[Batch]
    frame: pl.DataFrame
    seen: int = -(1 << 62)
    done: bool = False


@dataclass
class FileSource:
    """Exchanges from files.

    Attributes:
        paths: files, globs, folders.
        batch_bytes: size of the chunks that are decoded at a time.
        since, until: µs; records before or from then on are passed over and counted as skipped.
        digest_key: of the dead letters' digests.
        format: of the files; by default it is recognised for each by its first records.
        no_logs: files that folders and globs are not searched for.
        files: that are read, each once, sorted by name.
        stray: those of them that nobody has named.
        passed: `no_logs` that were there.

    Raises:
        SourceError: there are no such files.
    """

    paths: Sequence[str | Path]
    batch_bytes: int = 24 << 20
    since: int | None = None
    until: int | None = None
    digest_key: bytes = b""
    format: Format = field(default_factory=Format)
    no_logs: NoLogs = field(default_factory=NoLogs)
    files: list[Path] = field(init=False)
    stray: set[Path] = field(init=False)
    passed: list[Path] = field(init=False)

    def __post_init__(self) -> None:
        found = find(self.paths, self.no_logs)
        self.files = sorted(found.named | found.others)
        self.stray, self.passed = found.others, sorted(found.passed)

    def batches(self) -> Iterator[Batch]:
        """Batches sorted by time; over several files the earliest first.

        Raises:
            SourceError: a file cannot be read at all.
        """
        yield from prefetch(self._merged(), depth=2)

    def first(self, path: Path) -> int:
        """Event time of a file's first record, µs; 0 where its beginning cannot be read."""
        return first_time(path, self.digest_key, self.format.reader()) or 0

    def chunks(self, path: Path) -> Iterator[Batch]:
        """Batches of one file in the order of its records.

        Raises:
            SourceError: it cannot be read at all.
        """
        return decoded(path, self.batch_bytes, self.digest_key, self.format.reader(), stray=path in self.stray)

    def _merged(self) -> Iterator[Batch]:
        # A file whose beginning cannot be read comes first, so that what is wrong with it is known first.
        waiting = sorted(((self.first(p), p) for p in self.files), reverse=True)
        running: list[_Open] = []
        while waiting or running:
            horizon = min((o.seen - LATENESS_US for o in running), default=None)
            if waiting and (horizon is None or waiting[-1][0] - LATENESS_US <= horizon):
                _, path = waiting.pop()
                running.append(_Open(self.chunks(path), pl.DataFrame(schema=EXCHANGE_SCHEMA)))
                yield from self._pull(running[-1])
            else:
                yield from self._pull(min(running, key=lambda o: o.seen))
            running_horizon = min((o.seen - LATENESS_US for o in running if not o.done), default=None)
            # The next file may hold records that are earlier than its first one.
            coming = waiting[-1][0] - LATENESS_US if waiting else None
            bounds = [b for b in (running_horizon, coming) if b is not None]
            frame = self._take(running, min(bounds) if bounds else None)
            if frame.height:
                yield self._within(Batch(frame, [], frame.height))
            running = [o for o in running if not o.done or o.frame.height]

    def _pull(self, source: _Open) -> Iterator[Batch]:
        """Decode one more chunk; what could not be read is handed on at once."""
        batch = next(source.batches, None)
        if batch is None:
            source.done = True
            source.seen = 1 << 62
            return
        if batch.frame.height:
            part = in_time_order(batch.frame)
            source.seen = max(source.seen, int(part["ts"].to_physical()[-1]))
            source.frame = _joined([source.frame, part])
        if batch.dead or batch.skipped or batch.repaired:
            nothing = pl.DataFrame(schema=EXCHANGE_SCHEMA)
            yield Batch(nothing, batch.dead, len(batch.dead), batch.skipped, batch.repaired)

    @staticmethod
    def _take(running: list[_Open], horizon: int | None) -> pl.DataFrame:
        """Rows up to the horizon of all open files, in order."""
        parts: list[pl.DataFrame] = []
        for source in running:
            if source.frame.height == 0:
                continue
            if horizon is None:
                cut = source.frame.height
            else:
                cut = int(source.frame["ts"].to_physical().search_sorted(horizon, side="left"))
            parts.append(source.frame.head(cut))
            source.frame = source.frame.slice(cut)
        return _joined(parts)

    def _within(self, batch: Batch) -> Batch:
        if self.since is None and self.until is None:
            return batch
        at = pl.col("ts").to_physical()
        low = at >= self.since if self.since is not None else pl.lit(True)
        high = at < self.until if self.until is not None else pl.lit(True)
        kept = batch.frame.filter(low & high)
        return Batch(kept, batch.dead, kept.height + len(batch.dead), batch.frame.height - kept.height)


def _joined(parts: list[pl.DataFrame]) -> pl.DataFrame:
    filled = [p for p in parts if p.height]
    if not filled:
        return pl.DataFrame(schema=EXCHANGE_SCHEMA)
    if len(filled) == 1:
        return filled[0]
    return in_time_order(pl.concat(filled))
