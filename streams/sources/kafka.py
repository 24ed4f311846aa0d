"""Exchanges from a Kafka topic: partitions assigned by hand, offsets from the caller, one decode a poll.

The caller saves `offsets()` together with what it made of the batches, and hands them in again at the next start: the broker's own
committed offsets only serve those who watch the lag.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import polars as pl
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata

from streams.adapters.reader import Reader
from streams.batch import Batch, DeadLetter, digest
from streams.decode import MAX_LINE, Origin, decode_lines
from streams.exchange import EXCHANGE_SCHEMA
from streams.sources import SourceError

AHEAD_US: Final = 600_000_000  # a partition that runs ahead of the others by more than records may be late is held back
_POLL_MS: Final = 500
_RECORDS: Final = 20_000  # of one poll at most
_FIRST: Final = 500  # of the first poll, when the size of a record is not known
_NOTHING: Final = b"null"  # what no record can be read from is decoded as: a dead letter


@dataclass(frozen=True)
class KafkaSettings:
    """How to reach a cluster.

    Attributes:
        bootstrap: host:port of some brokers.
        topic: of the exchanges.
        group: under which offsets are shown to the cluster.
        security: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
        cafile, certfile, keyfile: TLS files.
        mechanism, username, password: SASL.
        in_flight_bytes: of one batch, about, and of what the client holds for each broker.
        compression: of what is written: gzip, lz4, snappy or zstd; what is read may be any of them.
    """

    bootstrap: Sequence[str]
    topic: str = "exchanges"
    group: str = "revenuer"
    security: str = "PLAINTEXT"
    cafile: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
    mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    in_flight_bytes: int = 32 << 20
    compression: str | None = None

    def client(self) -> dict[str, Any]:
        """Options that a consumer and a producer share."""
        return {
            "bootstrap_servers": list(self.bootstrap),
            "security_protocol": self.security,
            "ssl_cafile": self.cafile,
            "ssl_certfile": self.certfile,
            "ssl_keyfile": self.keyfile,
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
        }


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
        SourceError: the cluster cannot be reached, or has no such topic or partition.
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
        self._held: set[TopicPartition] = set()
        self._gone: list[DeadLetter] = []
        self._most, self._bytes = _FIRST, 0
        where = ", ".join(settings.bootstrap)
        try:
            self._consumer = KafkaConsumer(
                **settings.client(),
                group_id=settings.group,
                enable_auto_commit=False,
                auto_offset_reset="none",  # records that are gone must not be passed over in silence
                fetch_max_bytes=settings.in_flight_bytes,
                max_partition_fetch_bytes=settings.in_flight_bytes,
            )
        except KafkaError as error:
            raise SourceError(f"kafka {where}: {type(error).__name__}: {error}") from error
        try:
            self._assign(partitions, offsets or {})
        except KafkaError as error:
            self._consumer.close()
            raise SourceError(f"kafka {where}: {type(error).__name__}: {error}") from error
        except SourceError:
            self._consumer.close()
            raise

    def _assign(self, partitions: Sequence[int] | None, offsets: Mapping[int, int]) -> None:
        topic = self.settings.topic
        known = self._consumer.partitions_for_topic(topic)
        if not known:
            raise SourceError(f"kafka {', '.join(self.settings.bootstrap)}: no topic {topic}")
        mine = [TopicPartition(topic, p) for p in sorted(known if partitions is None else set(partitions))]
        if absent := [at.partition for at in mine if at.partition not in known]:
            raise SourceError(f"kafka: topic {topic} has no partition {absent[0]}")
        self._mine = mine
        self._consumer.assign(mine)
        self._ends: dict[int, int] = {}
        firsts = self._consumer.beginning_offsets(mine)
        for at in mine:
            self._go(at, offsets.get(at.partition, firsts[at]), firsts[at])

    def _go(self, at: TopicPartition, wanted: int, start: int) -> None:
        """Read on at the offset wanted, or from a later start: what lies between is gone."""
        if wanted < start:
            self._lose(at, wanted)
        self._consumer.seek(at, max(wanted, start))
        self._next[at.partition] = max(wanted, start)

    def _lose(self, at: TopicPartition, wanted: int) -> None:
        name = f"{at.topic}/{at.partition}"
        mark = digest(self.digest_key, f"{name}/{wanted}".encode())
        self._gone.append(DeadLetter(name, wanted, "offsets_gone", 0, mark))

    def batches(self) -> Iterator[Batch]:
        """Batches sorted by time until `stop`; an empty one where nothing came, so that the caller can look at its clock.

        Raises:
            SourceError: the cluster refuses; what can be retried is retried by the client.
        """
        while not self._stopped.is_set():
            try:
                polled = self._poll()
            except KafkaError as error:
                raise SourceError(f"kafka: {type(error).__name__}: {error}") from error
            yield self._batch(polled)
            self._hold_back()

    def _poll(self) -> Mapping[TopicPartition, Sequence[Any]]:
        try:
            return self._consumer.poll(timeout_ms=self._poll_ms, max_records=self._most)
        except OffsetOutOfRangeError as error:
            # Expired since, or of a topic that was made anew.
            firsts = self._consumer.beginning_offsets(list(error.args[0]))
            for at, first in firsts.items():
                if self._next[at.partition] != first:
                    self._lose(at, self._next[at.partition])
                self._go(at, first, first)
            return {}

    def _batch(self, polled: Mapping[TopicPartition, Sequence[Any]]) -> Batch:
        gone, self._gone = self._gone, []
        self._bytes = 0
        parts = [self._decoded(at, records) for at, records in polled.items() if records]
        if not parts:
            return Batch(pl.DataFrame(schema=EXCHANGE_SCHEMA), gone, len(gone))
        # The next poll is to bring as many bytes as may be in flight, whatever a record's size.
        count = sum(map(len, polled.values()))
        self._most = max(1, min(_RECORDS, self.settings.in_flight_bytes * count // max(1, self._bytes)))
        frame = pl.concat([part.frame for part in parts]).sort("ts", maintain_order=True)
        dead = [*gone, *(letter for part in parts for letter in part.dead)]
        skipped = sum(part.skipped for part in parts)
        return Batch(frame, dead, len(gone) + sum(part.read for part in parts), skipped)

    def _decoded(self, at: TopicPartition, records: Sequence[Any]) -> Batch:
        values: list[bytes | None] = [record.value for record in records]
        batch, size = self._read(values, Origin(f"{at.topic}/{at.partition}", 0, self.digest_key), self._decode)
        # Offsets have holes: compaction, transactions.
        batch.dead = [replace(letter, position=records[letter.position].offset) for letter in batch.dead]
        self._bytes += size
        self._next[at.partition] = records[-1].offset + 1
        if batch.frame.height:
            latest = batch.frame["ts"].dt.epoch("us").max()
            self._latest[at.partition] = max(self._latest.get(at.partition, 0), int(latest))  # type: ignore[arg-type]
        return batch

    @staticmethod
    def _read(values: list[bytes | None], origin: Origin, read: Reader = decode_lines) -> tuple[Batch, int]:
        """Decode all at once, one by one only where a value is not one line; and their bytes."""
        filled = [value for value in values if value]
        data = b"\n".join(filled)
        plain = len(filled) == len(values) and data.count(b"\n") == len(values) - 1
        if plain and max(map(len, filled)) <= MAX_LINE and not any(map(bytes.isspace, filled)):
            return read(data, origin), len(data)
        # A carriage return may stand where a line break may: between tokens, and not within a string.
        lines = [
            _NOTHING if v is None or len(v) > MAX_LINE or not v.strip() else v.replace(b"\n", b"\r") for v in values
        ]
        batch = read(b"\n".join(lines), origin)
        batch.dead = [_true(letter, values[letter.position] or b"", origin.key) for letter in batch.dead]
        return batch, len(data)

    def _hold_back(self) -> None:
        """Hold partitions that run ahead in event time, as long as another one has something to catch up with.

        They leave the assignment and come back by a seek. The client's own pause would keep what it has fetched for them, and does
        not give it out again while the other partitions are silent (kafka-python 3.0.12).
        """
        slowest = min((self._latest[p] for p, lag in self.lag().items() if lag > 0 and p in self._latest), default=None)
        held = {at for at in self._mine if slowest is not None and self._lead(at, slowest) > AHEAD_US}
        if held == self._held:
            return
        back, self._held = self._held - held, held
        self._consumer.assign([at for at in self._mine if at not in held])
        for at in back:
            self._consumer.seek(at, self._next[at.partition])

    def _lead(self, at: TopicPartition, slowest: int) -> int:
        """Microseconds ahead; more for a partition that is held, so that it does not come and go with every batch."""
        return self._latest.get(at.partition, slowest) - slowest + (AHEAD_US // 2 if at in self._held else 0)

    def held(self) -> set[int]:
        """Partitions that wait for the others to catch up."""
        return {at.partition for at in self._held}

    def lag(self) -> dict[int, int]:
        """Records that the broker has and this source has not handed on, by partition; of those held, as last seen."""
        for at in self._consumer.assignment():
            high = self._consumer.highwater(at)
            if high is not None:
                self._ends[at.partition] = high
        return {p: max(0, end - self._next[p]) for p, end in self._ends.items()}

    def offsets(self) -> dict[int, int]:
        """Next offset by partition, after the batches that were handed on."""
        return dict(self._next)

    def commit(self) -> None:
        """Show the offsets to the cluster, for those who watch the lag; a failure is not ours to stop at."""
        saved = {TopicPartition(self.settings.topic, p): OffsetAndMetadata(n, "", -1) for p, n in self._next.items()}
        if saved:
            self._consumer.commit_async(saved)

    def stop(self) -> None:
        """End `batches` after the one at hand; from any thread."""
        self._stopped.set()

    def close(self) -> None:
        """Stop and leave the cluster."""
        self.stop()
        self._consumer.close()


def _true(letter: DeadLetter, value: bytes, key: bytes) -> DeadLetter:
    """The letter of the value itself, not of what was decoded in its place."""
    reason = "too_long" if len(value) > MAX_LINE else letter.reason
    return replace(letter, reason=reason, length=len(value), digest=digest(key, value))
