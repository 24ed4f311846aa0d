"""Posted batches between their acknowledgement and the next checkpoint: text-free, one file each.

A sender that got an answer may forget its records, so that what they come down to must be on disk by then: hashes, flags and counts,
with the account ids. Their texts never are.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from detector.profiles.artefacts import no_artefacts
from detector.profiles.columns import Digest
from detector.profiles.layout import Columns
from detector.service.http.state import Ack
from detector.service.kept import KEPT
from streams.checkpoint import CheckpointError, pack, unpack, write_durably


class Posted(NamedTuple):
    """A batch in the journal.

    Attributes:
        number: place in the journal.
        frame: the columns kept, or all of them where the batch was never written.
        digested: of the batch.
        seen: fields with at least one value.
        ack: what the sender was told; zero for all pieces of a post but the first.
        letters: lines of the file of dead letters, of the first piece; no text is in them.
    """

    number: int
    frame: pl.DataFrame
    digested: Digest
    seen: tuple[str, ...]
    ack: Ack
    letters: list[bytes]


class Journal:
    """The journal of one process, in a folder of its own.

    Args:
        folder: made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob("*.part"):  # of a post that was never acknowledged
            part.unlink()
        self.last = max((int(path.stem) for path in self._files()), default=0)

    def add(self, frame: pl.DataFrame, digested: Digest, ack: Ack, letters: Sequence[bytes] = ()) -> Posted:
        """Write a batch; it is on disk when this returns.

        Raises:
            OSError: it cannot be written; nothing of it is in the journal.
        """
        seen = tuple(name for name in frame.columns if frame[name].null_count() < frame.height)
        slim = io.BytesIO()
        # The newer layout of strings is written with all bytes that the batch was decoded from, refused records among them.
        frame.select(KEPT).write_ipc(slim, compat_level=pl.CompatLevel.oldest())
        state = {
            "frame": slim.getvalue(),
            "ident": digested.ident,
            "columns": digested.columns._asdict(),
            "seen": list(seen),
            "ack": [ack.read, ack.accepted, ack.duplicates, ack.dead_lettered],
            "letters": list(letters),
        }
        number = self.last + 1
        try:
            write_durably(self._path(number), pack(state))
        except OSError:
            self.take_back(number)  # it may have its name already, and not be known to stay
            raise
        self.last = number
        return Posted(number, frame, digested, seen, ack, list(letters))

    def take_back(self, number: int) -> None:
        """Remove the latest batch: its sender is told that it was not taken."""
        with suppress(OSError):
            self._path(number).unlink(missing_ok=True)
        self.last = min(self.last, number - 1)

    def after(self, number: int) -> Iterator[Posted]:
        """Batches later than a checkpoint, in order.

        Raises:
            CheckpointError: one of them cannot be read, though it was acknowledged.
        """
        self.last = max(self.last, number)
        for path in self._files():
            if int(path.stem) > number:
                yield self._read(path)

    def forget(self, number: int) -> None:
        """Remove batches up to a checkpoint."""
        for path in self._files():
            if int(path.stem) <= number:
                path.unlink()

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.posted"))

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:012d}.posted"

    @staticmethod
    def _read(path: Path) -> Posted:
        try:
            state = unpack(path.read_bytes())
            frame = pl.read_ipc(io.BytesIO(state["frame"]))
            digested = Digest(state["ident"], Columns(**_of_before(frame.height) | state["columns"]))
        except (ValueError, KeyError, TypeError, OSError, pl.exceptions.PolarsError) as error:
            raise CheckpointError(f"{path}: {error}") from error
        # Entries of before have no letters.
        return Posted(
            int(path.stem), frame, digested, tuple(state["seen"]), Ack(*state["ack"]), state.get("letters", [])
        )


def _of_before(rows: int) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
    """Columns that entries of older versions lack."""
    none = no_artefacts()
    return {
        "organisation": np.zeros(rows, np.uint32),
        **dict.fromkeys(("issued", "presented"), none.keys),
        **{f"{name}_offsets": none.offsets for name in ("issued", "presented")},
    }
