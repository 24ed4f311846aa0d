"""Exchanges from a Kafka topic: partitions assigned by hand, offsets from the caller, one decode a poll.

The caller saves `offsets()` together with what it made of the batches, and hands them in again at the next start: the broker's own
committed offsets only serve those who watch the lag.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from streams.adapters.reader import Reader
from streams.batch import Batch, DeadLetter, digest
from streams.decode import Origin, decode_lines
from streams.exchange import EXCHANGE_SCHEMA
from streams.kafka import Consumer, KafkaSettings, OffsetsGoneError, Records, consumer
from streams.sources import SourceError

AHEAD_US: Final = 600_000_000  # a partition that runs ahead of the others by more than records may be late is held back
_POLL_MS: Final = 500
_RECORDS: Final = 20_000  # of one poll at most
_FIRST: Final = 500  # of the first poll, when the size of a record is not known
_NOTHING: Final = b"null"  # what no record can be read from is decoded as: a dead letter


class KafkaSource:
    """Exchanges from a topic.

    Offsets that the cluster no longer has give a dead letter `offsets_gone`, at the first of them, and the partition is read from
    its beginning.

    Args:
        settings: how to reach the cluster.
        offsets: next offset by partition, from a checkpoint; a partition that is not in it is read from its beginning.
        partitions: those that this process reads; all where None.
        digest_key: of the dead letters' digests.
        poll_ms: how long a batch is waited for.
        read: how values become a batch.

    Raises:
        SourceError: the cluster cannot be reached, has no such topic or partition, or the client library is not installed.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        offsets: Mapping[int, int] | None = None,
        partitions: Sequence[int] | None = None,
        digest_key: bytes = b"",
        poll_ms: int = _POLL_MS,
        read: Reader = decode_lines,
    ) -> None:
        self.settings = settings
        self.digest_key = digest_key
        self._poll_ms, self._decode = poll_ms, read
        self._stopped = threading.Event()
        self._latest: dict[int, int] = {}
        self._next: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self._held: set[int] = set()
        self._gone: list[DeadLetter] = []
        self._most, self._bytes = _FIRST, 0
        self._consumer = consumer(settings)
        try:
            self._mine = self._chosen(partitions)
            firsts = self._consumer.first_offsets(self._mine)
            self._consumer.assign({p: self._go(p, (offsets or {}).get(p, firsts[p]), firsts[p]) for p in self._mine})
        except SourceError:
            self._consumer.close()
            raise

    def _chosen(self, partitions: Sequence[int] | None) -> frozenset[int]:
        known = partitions_of(self._consumer, self.settings)
        mine = known if partitions is None else frozenset(partitions)
        if absent := sorted(mine - known):
            raise SourceError(f"kafka: topic {self.settings.topic} has no partition {absent[0]}")
        return mine

    def _go(self, partition: int, wanted: int, start: int) -> int:
        """Where to read on: at the offset wanted, or at a later start: what lies between is gone."""
        if wanted < start:
            self._lose(partition, wanted)
        self._next[partition] = max(wanted, start)
        return self._next[partition]

    def _lose(self, partition: int, wanted: int) -> None:
        name = self._name(partition)
        mark = digest(self.digest_key, f"{name}/{wanted}".encode())
        self._gone.append(DeadLetter(name, wanted, "offsets_gone", 0, mark))

    def _name(self, partition: int) -> str:
        return f"{self.settings.topic}/{partition}"

    def batches(self) -> Iterator[Batch]:
        """Batches sorted by time until `stop`; an empty one where nothing came, so that the caller can look at its clock.

        Raises:
            SourceError: the cluster refuses; what can be retried is retried by the client.
        """
        while not self._stopped.is_set():
            yield self._batch(self._poll())
            self._hold_back()

    def _poll(self) -> Sequence[Records]:
        try:
            return self._consumer.poll(self._poll_ms, self._most)
        except OffsetsGoneError as error:
            # Expired since, or of a topic that was made anew.
            firsts = self._consumer.first_offsets(error.partitions)
            for partition, first in firsts.items():
                if self._next[partition] != first:
                    self._lose(partition, self._next[partition])
            self._consumer.resume({p: self._go(p, first, first) for p, first in firsts.items()})
            return ()

    def _batch(self, polled: Sequence[Records]) -> Batch:
        gone, self._gone = self._gone, []
        self._bytes = 0
        parts = [self._decoded(records) for records in polled]
        if not parts:
            return Batch(pl.DataFrame(schema=EXCHANGE_SCHEMA), gone, len(gone))
        # The next poll is to bring as many bytes as may be in flight, whatever a record's size.
        count = sum(len(records.values) for records in polled)
        self._most = max(1, min(_RECORDS, self.settings.in_flight_bytes * count // max(1, self._bytes)))
        frame = pl.concat([part.frame for part in parts]).sort("ts", maintain_order=True)
        dead = [*gone, *(letter for part in parts for letter in part.dead)]
        skipped = sum(part.skipped for part in parts)
        changed = sum((part.repaired for part in parts), Counter())
        return Batch(frame, dead, len(gone) + sum(part.read for part in parts), skipped, changed)

    def _decoded(self, records: Records) -> Batch:
        partition = records.partition
        batch, size = read_values(records.values, Origin(self._name(partition), 0, self.digest_key), self._decode)
        # Offsets have holes: compaction, transactions.
        batch.dead = [replace(letter, position=records.offsets[letter.position]) for letter in batch.dead]
        self._bytes += size
        self._next[partition] = records.offsets[-1] + 1
        if batch.frame.height:
            latest = batch.frame["ts"].dt.epoch("us").max()
            self._latest[partition] = max(self._latest.get(partition, 0), int(latest))  # type: ignore[arg-type]
        return batch

    def _hold_back(self) -> None:
        """Hold partitions that run ahead in event time, as long as another one has something to catch up with."""
        slowest = min((self._latest[p] for p, lag in self.lag().items() if lag > 0 and p in self._latest), default=None)
        held = {p for p in self._mine if slowest is not None and self._lead(p, slowest) > AHEAD_US}
        if more := held - self._held:
            self._consumer.pause(more)
        if back := self._held - held:
            self._consumer.resume({p: self._next[p] for p in back})
        self._held = held

    def _lead(self, partition: int, slowest: int) -> int:
        """Microseconds ahead; more for a partition that is held, so that it does not come and go with every batch."""
        return self._latest.get(partition, slowest) - slowest + (AHEAD_US // 2 if partition in self._held else 0)

    def held(self) -> set[int]:
        """Partitions that wait for the others to catch up."""
        return set(self._held)

    def lag(self) -> dict[int, int]:
        """Records that the broker has and this source has not handed on, by partition; of those held, as last seen."""
        self._ends.update(self._consumer.ends())
        return {p: max(0, end - self._next[p]) for p, end in self._ends.items()}

    def offsets(self) -> dict[int, int]:
        """Next offset by partition, after the batches that were handed on."""
        return dict(self._next)

    def commit(self) -> None:
        """Show the offsets to the cluster, for those who watch the lag; a failure is not ours to stop at."""
        if self._next:
            self._consumer.commit(self._next)

    def stop(self) -> None:
        """End `batches` after the one at hand; from any thread."""
        self._stopped.set()

    def close(self) -> None:
        """Stop and leave the cluster."""
        self.stop()
        self._consumer.close()


def partitions_of(client: Consumer, settings: KafkaSettings) -> frozenset[int]:
    """All partitions of the topic of the settings.

    Raises:
        SourceError: there is no such topic, or the cluster cannot be reached.
    """
    if known := frozenset(client.partitions()):
        return known
    raise SourceError(f"kafka {settings.where}: no topic {settings.topic}")


def read_values(values: list[bytes | None], origin: Origin, read: Reader = decode_lines) -> tuple[Batch, int]:
    """Decode all at once, one by one only where a value is not one line; and their bytes.

    Args:
        values: of records, in order; the position of a dead letter is its place among them.
        origin: where they come from.
        read: how lines become a batch.
    """
    filled = [value for value in values if value]
    data = b"\n".join(filled)
    plain = len(filled) == len(values) and data.count(b"\n") == len(values) - 1
    if plain and not any(map(bytes.isspace, filled)):
        return read(data, origin), len(data)
    # A carriage return may stand where a line break may: between tokens, and not within a string.
    lines = [_NOTHING if v is None or not v.strip() else v.replace(b"\n", b"\r") for v in values]
    batch = read(b"\n".join(lines), origin)
    batch.dead = [_true(letter, values[letter.position] or b"", origin.key) for letter in batch.dead]
    return batch, len(data)


def _true(letter: DeadLetter, value: bytes, key: bytes) -> DeadLetter:
    """The letter of the value itself, not of what was decoded in its place."""
    return replace(letter, length=len(value), digest=digest(key, value))
