"""Records from memory through the same decoding and checks as a file: the double that tests use."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from streams.batch import Batch
from streams.decode import Origin, decode_lines


@dataclass
class MemorySource:
    """Exchanges from a list.

    Attributes:
        records: JSON-able mappings, in any order within a batch.
        batch_records: records a batch.
        digest_key: of the dead letters' digests.
    """

    records: Sequence[Mapping[str, Any]]
    batch_records: int = 10_000
    digest_key: bytes = b""

    def batches(self) -> Iterator[Batch]:
        """Batches sorted by time."""
        for start in range(0, len(self.records), self.batch_records):
            part = self.records[start : start + self.batch_records]
            data = b"\n".join(msgspec.json.encode(dict(r)) for r in part)
            batch = decode_lines(data, Origin("memory", start + 1, self.digest_key))
            yield Batch(batch.frame.sort("ts", maintain_order=True), batch.dead, batch.read)
