"""A topic that is a table, as a compacted one is: read whole at the start, then followed."""

from dataclasses import replace
from typing import Final

from streams.adapters.reader import Reader
from streams.batch import Batch
from streams.decode import Origin
from streams.kafka import KafkaSettings, Records, consumer
from streams.sources import SourceError
from streams.sources.kafka import partitions_of, read_values

_RECORDS: Final = 20_000


class KafkaTable:
    """All records of a topic, from its beginning, at every start. Tombstones are passed over.

    Args:
        settings: how to reach the cluster.
        read: how values become a batch.
        digest_key: of the dead letters' digests.

    Raises:
        SourceError: the cluster cannot be reached, has no such topic, or the client library is not installed.
    """

    def __init__(self, settings: KafkaSettings, read: Reader, digest_key: bytes = b"") -> None:
        self._topic, self._read, self._key = settings.topic, read, digest_key
        self._consumer = consumer(settings)
        try:
            self._next = self._consumer.first_offsets(partitions_of(self._consumer, settings))
            self._consumer.assign(self._next)
        except SourceError:
            self._consumer.close()
            raise

    def whole(self, wait_ms: int = 500) -> list[Batch]:
        """Everything up to the end of each partition, as it is when it is reached."""
        found: list[Batch] = []
        while True:
            more = self.more(wait_ms)
            ends = {} if more else self._consumer.ends()
            if ends.keys() >= self._next.keys() and all(self._next[p] >= end for p, end in ends.items()):
                return found
            found += more

    def more(self, wait_ms: int) -> list[Batch]:
        """What has come since; waits for the first."""
        return [self._batch(records) for records in self._consumer.poll(wait_ms, _RECORDS)]

    def _batch(self, records: Records) -> Batch:
        self._next[records.partition] = records.offsets[-1] + 1
        kept = [i for i, value in enumerate(records.values) if value is not None]
        origin = Origin(f"{self._topic}/{records.partition}", 0, self._key)
        batch, _ = read_values([records.values[i] for i in kept], origin, self._read)
        batch.dead = [replace(letter, position=records.offsets[kept[letter.position]]) for letter in batch.dead]
        return batch

    def close(self) -> None:
        """Leave the cluster."""
        self._consumer.close()
