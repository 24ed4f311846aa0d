"""The books: what became of every record, which ones came before, and which could not be read."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import polars as pl

from detector.service.http.metrics import Metrics
from detector.service.http.state import Ack
from detector.service.resume import Resume
from streams.batch import Batch, DeadLetter
from streams.dedupe import Deduplicator


class Books:
    """Kept by whoever takes in a batch, under the gate of the service.

    Args:
        letters: file of the dead letters.
        metrics: show the same counts.
        resume: keeps them over a stop; without, a stop forgets them.

    Attributes:
        letters: the file.
        known: records of a day, so that each is looked at once.
    """

    def __init__(self, letters: Path, metrics: Metrics, resume: Resume | None) -> None:
        self.letters, self.known = letters, Deduplicator()
        self._metrics, self._resume = metrics, resume

    def fresh(self, batch: Batch) -> tuple[pl.DataFrame, Ack]:
        """A batch in order and without duplicates, and what is to be said of it; it is in the books then."""
        frame = batch.frame.sort("ts", maintain_order=True)
        frame = frame.filter(self.known.fresh(frame))
        ack = Ack(batch.read, frame.height, batch.frame.height - frame.height, len(batch.dead))
        self.count(ack)
        self.write(batch.dead)
        return frame, ack

    def count(self, ack: Ack) -> None:
        """Add records by fate."""
        fates = {"accepted": ack.accepted, "duplicate": ack.duplicates, "dead_lettered": ack.dead_lettered}
        for fate, n in fates.items():
            self._metrics.exchanges.labels(fate).inc(n)
        if self._resume is not None:
            self._resume.count(fates)

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Write dead letters, but for those that the file has since before a stop."""
        for letter in letters:
            self._metrics.dead_letters.labels(letter.reason).inc()
        self.write_lines(self.lines(letters))

    @staticmethod
    def lines(letters: Sequence[DeadLetter]) -> list[bytes]:
        """Dead letters as they stand in the file."""
        return [msgspec.json.encode(letter) + b"\n" for letter in letters]

    def write_lines(self, lines: list[bytes]) -> None:
        """Write lines of dead letters, but for those that the file has since before a stop.

        The journal gives those of acknowledged posts: they do not come again, and what it names is no longer waited for.
        """
        if self._resume is not None:
            lines = self._resume.unsaid(lines)
        if lines:
            with self.letters.open("ab") as file:
                file.writelines(lines)

    def refuse(self, letters: Sequence[DeadLetter]) -> None:
        """Write dead letters of a source that is read again at each start: each of them once."""
        said = set(self.letters.read_bytes().splitlines(keepends=True)) if self.letters.exists() else set()
        lines = zip(letters, self.lines(letters), strict=True)
        self.write([letter for letter, line in lines if line not in said])
