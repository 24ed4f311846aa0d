"""Records from memory through the same decoding and checks as a file: the double that tests use."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.batch import Batch
from streams.decode import Origin, decode_lines


@dataclass
class MemorySource:
    """Exchanges from a list.

    Attributes:
        records: JSON-able mappings, in any order.
        batch_records: records a batch.
        digest_key: of the dead letters' digests.
    """

    records: Sequence[Mapping[str, Any]]
    batch_records: int = 10_000
    digest_key: bytes = b""

    def batches(self) -> Iterator[Batch]:
        """Batches sorted by time, over all of them; what could not be read comes with the first."""
        # json writes NaN as NaN, which no log may hold: it must be refused here as in a file.
        data = b"\n".join(json.dumps(dict(r), default=str).encode() for r in self.records)
        whole = decode_lines(data, Origin("memory", 1, self.digest_key))
        frame, dead = whole.frame.sort("ts", maintain_order=True), whole.dead
        for part in frame.iter_slices(self.batch_records):
            yield Batch(part, dead, part.height + len(dead))
            dead = []
        if dead:
            yield Batch(frame, dead, len(dead))
