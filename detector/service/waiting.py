"""What waits for the engine."""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from detector.profiles.columns import Digest
from streams.batch import Batch


class Item(NamedTuple):
    """A batch, and where it came from.

    Attributes:
        since: monotonic seconds.
        frame: records; those of a topic are not yet looked through for duplicates.
        digested: of a posted batch.
        entry: its place in the journal.
        fields: of a posted batch that comes out of the journal.
        offsets: of a topic, after this batch.
        batch: of a topic, for the books.
    """

    since: float
    frame: pl.DataFrame
    digested: Digest | None = None
    entry: int = 0
    fields: tuple[str, ...] | None = None
    offsets: Mapping[int, int] | None = None
    batch: Batch | None = None
