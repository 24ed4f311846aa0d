"""Where a service goes on after a stop: its checkpoints, its journal, and how far each source was read."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import structlog

from detector.service.engine import Engine
from detector.service.inbox import Inbox
from detector.service.journal import Journal
from detector.service.migrations import MIGRATIONS
from detector.service.snapshot import VERSION, restore, snapshot
from streams.checkpoint import CheckpointError, Checkpoints
from streams.dedupe import Deduplicator

_SHARE: Final = 0.05  # of the time may go into checkpoints; a larger state is saved less often

_log = structlog.get_logger(__name__)


class Resume:
    """The durable side of a running service. Not safe to use from several threads at once.

    Args:
        folder: of the service; checkpoints and journal get folders in it.
        every_s: seconds between checkpoints, at least.
        keys: fingerprint of the secrets: hashes of other secrets mean nothing.

    Attributes:
        journal: posted batches since the checkpoint.
        entry: the last one that the engine has taken in.
        counted: the last one that is in the books of the checkpoint that was loaded.
        offsets: next offset by partition.
        counts: records by fate, since the first start.
    """

    def __init__(self, folder: Path, every_s: float, keys: str) -> None:
        self.journal = Journal(folder / "journal")
        self.entry = self.counted = 0
        self.offsets: dict[int, int] = {}
        self.counts: dict[str, int] = {}
        self._checkpoints = Checkpoints(folder / "checkpoints", VERSION, MIGRATIONS)
        self._every, self._keys = every_s, keys
        self._next, self._blocked = time.monotonic() + every_s, 0.0
        self._said: Counter[bytes] = Counter()
        self._entries: list[int] = []  # of the checkpoints that are kept

    def load(self, engine: Engine, dedupe: Deduplicator, inbox: Inbox, letters: Path) -> dict[str, int]:
        """Bring everything to the newest checkpoint that can be read; records by fate until then.

        Raises:
            CheckpointError: there are checkpoints and none can be used.
        """
        state = self._checkpoints.load()
        for problem in self._checkpoints.problems:
            _log.warning("checkpoint_unreadable", problem=problem)
        if state is None:
            self._remember_letters(letters, 0, ())
            return {}
        if state["keys"] != self._keys:
            raise CheckpointError(
                "the checkpoint was written under another hash_key; give it back, or start in a new folder"
            )
        try:
            restore(engine, state["engine"])
            restore(dedupe, state["dedupe"])
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"the newest checkpoint does not fit: {error}") from error
        inbox.at = {name: (at, line) for name, at, line in state["inbox"]}
        self.entry, self.counted = state["entry"], state["posted"]
        self._entries = [self.entry]
        self.offsets = dict(state["offsets"])
        self.counts = dict(state["counts"])
        # A checkpoint of before this was kept has none.
        self._remember_letters(letters, state["letters"], state.get("letters_ahead", ()))
        return dict(self.counts)

    def _remember_letters(self, letters: Path, size: int, ahead: Iterable[bytes]) -> None:
        """Dead letters written after the checkpoint come again when their source is read again.

        Args:
            letters: the file; a line that a kill cut off leaves it, for the next one would be glued to it.
            size: of the file at the checkpoint.
            ahead: letters below that size whose source was not read again by then.
        """
        self._said = Counter(ahead)
        if letters.exists():
            with letters.open("rb+") as file:
                file.seek(size)
                lines = file.readlines()
                if lines and not lines[-1].endswith(b"\n"):
                    file.truncate(file.tell() - len(lines.pop()))
                self._said.update(lines)

    def unsaid(self, lines: list[bytes]) -> list[bytes]:
        """Dead letters that the file does not hold yet; each one that it does is let through the next time."""
        fresh = []
        for line in lines:
            if line not in self._said:
                fresh.append(line)
            elif self._said[line] > 1:
                self._said[line] -= 1
            else:
                del self._said[line]
        return fresh

    def say_again(self, lines: list[bytes], unsaid: list[bytes]) -> None:
        """Undo `unsaid` of these lines, which were not written after all."""
        self._said += Counter(lines) - Counter(unsaid)

    def count(self, fates: Mapping[str, int]) -> None:
        """Add to the books."""
        for fate, n in fates.items():
            self.counts[fate] = self.counts.get(fate, 0) + n

    def passed(self, entry: int, offsets: Mapping[int, int] | None) -> None:
        """The engine has taken in a batch."""
        self.entry = max(self.entry, entry)
        self.offsets.update(offsets or {})

    def due(self, *, hurry: bool = False) -> bool:
        """Whether it is time for a checkpoint, or in a hurry, whether the last one could be written or is some time ago."""
        return time.monotonic() >= (self._blocked if hurry else self._next)

    def save(self, engine: Engine, dedupe: Deduplicator, inbox: Inbox, letters: Path, *, alone: bool = False) -> None:
        """Write a checkpoint; what the journal holds up to the oldest one that is kept is no longer needed.

        Args:
            engine: between two batches.
            dedupe: of the same moment.
            inbox: the same.
            letters: file of dead letters.
            alone: older checkpoints go as well: they hold what was to be erased.

        Raises:
            OSError: it cannot be written; those before it hold, and so does the journal.
        """
        started = time.monotonic()
        self._next = self._blocked = started + self._every
        keep = 1 if alone else self._checkpoints.keep
        self._checkpoints.save(
            {
                "engine": snapshot(engine),
                "dedupe": snapshot(dedupe),
                "inbox": [[name, at, line] for name, (at, line) in inbox.at.items()],
                "entry": self.entry,
                "posted": self.journal.last,
                "offsets": [[partition, offset] for partition, offset in self.offsets.items()],
                "counts": self.counts,
                "letters": letters.stat().st_size if letters.exists() else 0,
                "letters_ahead": sorted(self._said.elements()),
                "keys": self._keys,
            },
            keep=keep,
        )
        self._entries = [*self._entries, self.entry][-keep:]
        if len(self._entries) == keep:
            self.journal.forget(self._entries[0])
        took = time.monotonic() - started
        self._next, self._blocked = started + took + max(self._every, took / _SHARE), 0.0
