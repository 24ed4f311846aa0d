"""The books: what became of every record, which ones came before, and which could not be read."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from detector.profiles.columns import Digest
from detector.service.folder import Folder
from detector.service.http.metrics import Metrics
from detector.service.http.state import Ack
from detector.service.resume import Resume
from streams.batch import Batch, DeadLetter
from streams.dedupe import Deduplicator, Marks

PIECE: Final = 10_000  # records between two looks at whether to stop or to let a reader in


class Books:
    """Kept by whoever takes in a batch, under the gate of the service.

    Args:
        letters: file of the dead letters.
        metrics: show the same counts.
        resume: keeps them over a stop; without, a stop forgets them.
        folder: where all of it is written.

    Attributes:
        letters: the file.
        known: records of a day, so that each is looked at once.
    """

    def __init__(self, letters: Path, metrics: Metrics, resume: Resume | None, folder: Folder) -> None:
        self.letters, self.known = letters, Deduplicator()
        self._metrics, self._resume, self._folder = metrics, resume, folder

    def fresh(self, batch: Batch) -> tuple[pl.DataFrame, Ack]:
        """A batch in order and without duplicates, and what is to be said of it; it is in the books then.

        Raises:
            UnwritableError: its dead letters cannot be written; nothing of it is in the books.
        """
        frame, ack, marks = self._told_apart(batch)
        with self._known(marks):
            self.write(batch.dead)
            self.count(ack)
        return frame, ack

    def post(
        self, batch: Batch, digest: Callable[[pl.DataFrame], Digest], put: Callable[[pl.DataFrame, Digest, int], None]
    ) -> Ack:
        """Take in a posted batch, piece by piece; each is on disk, where there are checkpoints, before it is in the books.

        Args:
            batch: as it came.
            digest: what a piece comes down to.
            put: takes a piece, its digest and its place in the journal.

        Raises:
            UnwritableError: a piece cannot be written; it and those behind it are neither known nor counted.
        """
        frame, ack, marks = self._told_apart(batch)
        others, dead = (ack.duplicates, ack.dead_lettered), batch.dead
        with self._known(marks) as kept:
            for piece in pieces(frame) if frame.height else [frame]:
                digested = digest(piece)
                told = Ack(piece.height + sum(others), piece.height, *others)
                entry = self._keep(piece, digested, told, dead)
                kept.append(piece.height)
                put(piece, digested, entry)
                others, dead = (0, 0), []
        return ack

    def _told_apart(self, batch: Batch) -> tuple[pl.DataFrame, Ack, Marks]:
        frame = batch.frame.sort("ts", maintain_order=True)
        marks = self.known.mark(frame)
        frame = frame.filter(marks.fresh)
        return frame, Ack.of(batch, frame.height), marks

    @contextmanager
    def _known(self, marks: Marks) -> Iterator[list[int]]:
        """Where what is within fails, records behind those that it says were kept are known no more: they come again."""
        kept: list[int] = []
        try:
            yield kept
        except BaseException:
            self.known.forget(marks, sum(kept))
            raise

    def _keep(self, piece: pl.DataFrame, digested: Digest, told: Ack, dead: Sequence[DeadLetter]) -> int:
        """Write a piece and the dead letters, then count them; its place in the journal."""
        entry = 0
        if self._resume is not None:
            with self._folder.writing():
                entry = self._resume.journal.add(piece, digested, told, self.lines(dead)).number
        try:
            # Behind the journal: whoever follows the file must not see letters that are taken back.
            self.write(dead)
        except BaseException:
            if self._resume is not None:
                self._resume.journal.take_back(entry)
            raise
        self.count(told)
        return entry

    def count(self, ack: Ack) -> None:
        """Add records by fate."""
        fates = {"accepted": ack.accepted, "duplicate": ack.duplicates, "dead_lettered": ack.dead_lettered}
        for fate, n in fates.items():
            self._metrics.exchanges.labels(fate).inc(n)
        if self._resume is not None:
            self._resume.count(fates)

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Write dead letters, but for those that the file has since before a stop."""
        self.write_lines(self.lines(letters))
        for letter in letters:
            self._metrics.dead_letters.labels(letter.reason).inc()

    @staticmethod
    def lines(letters: Sequence[DeadLetter]) -> list[bytes]:
        """Dead letters as they stand in the file."""
        return [msgspec.json.encode(letter) + b"\n" for letter in letters]

    def write_lines(self, lines: list[bytes]) -> None:
        """Write lines of dead letters, but for those that the file has since before a stop.

        The journal gives those of acknowledged posts: they do not come again, and what it names is no longer waited for.

        Raises:
            UnwritableError: the file is as it was.
        """
        fresh = self._resume.unsaid(lines) if self._resume is not None else lines
        if not fresh:
            return
        try:
            with self._folder.writing():
                _append(self.letters, b"".join(fresh))
        except BaseException:
            if self._resume is not None:
                self._resume.say_again(lines, fresh)
            raise

    def refuse(self, letters: Sequence[DeadLetter]) -> None:
        """Write dead letters of a source that is read again at each start: each of them once."""
        said = set(self.letters.read_bytes().splitlines(keepends=True)) if self.letters.exists() else set()
        lines = zip(letters, self.lines(letters), strict=True)
        self.write([letter for letter, line in lines if line not in said])


def pieces(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """A frame in pieces, none of them empty."""
    yield from frame.iter_slices(PIECE) if frame.height else ()


def _append(path: Path, data: bytes) -> None:
    """All of it or nothing: the next line would be glued to one that was cut off."""
    with path.open("ab", buffering=0) as file:
        size, left = file.tell(), memoryview(data)
        try:
            while left:
                left = left[file.write(left) :]
        except OSError:
            file.truncate(size)
            raise
