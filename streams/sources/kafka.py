"""Exchanges from a Kafka topic: partitions assigned by hand, offsets from the caller, one decode a poll.

The caller saves `offsets()` together with what it made of the batches, and hands them in again at the next start: the broker's own
committed offsets only serve those who watch the lag.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from streams.batch import Batch
from streams.decode import Origin, decode_lines
from streams.exchange import EXCHANGE_SCHEMA
from streams.sources import SourceError

AHEAD_US = 600_000_000  # a partition that runs ahead of the others by more than records may be late is paused
_POLL_MS = 500
_RECORDS = 20_000  # of one poll
_FETCH = 32 << 20  # bytes in flight
_NOTHING = b"null"  # what an empty value or a tombstone is decoded as: a dead letter


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

    Args:
        settings: how to reach the cluster.
        offsets: next offset by partition, from a checkpoint; a partition that is not in it is read from its beginning.
        partitions: those that this process reads; all where None.
        digest_key: of the dead letters' digests.
        poll_ms: how long a batch is waited for.

    Raises:
        SourceError: the cluster cannot be reached, or has no such topic.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        offsets: Mapping[int, int] | None = None,
        partitions: Sequence[int] | None = None,
        digest_key: bytes = b"",
        poll_ms: int = _POLL_MS,
    ) -> None:
        self.settings = settings
        self.digest_key = digest_key
        self._poll_ms = poll_ms
        self._stopped = threading.Event()
        self._latest: dict[int, int] = {}
        self._consumer = self._open(partitions, offsets or {})

    def _open(self, partitions: Sequence[int] | None, offsets: Mapping[int, int]) -> KafkaConsumer:
        where = ", ".join(self.settings.bootstrap)
        try:
            consumer = KafkaConsumer(
                **self.settings.client(),
                group_id=self.settings.group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_poll_records=_RECORDS,
                fetch_max_bytes=_FETCH,
                max_partition_fetch_bytes=_FETCH,
            )
            known = consumer.partitions_for_topic(self.settings.topic)
        except KafkaError as error:
            raise SourceError(f"kafka {where}: {type(error).__name__}: {error}") from error
        if not known:
            consumer.close()
            raise SourceError(f"kafka {where}: no topic {self.settings.topic}")
        mine = sorted(known if partitions is None else set(partitions) & known)
        consumer.assign([TopicPartition(self.settings.topic, p) for p in mine])
        for p in mine:
            at = TopicPartition(self.settings.topic, p)
            consumer.seek(at, offsets[p]) if p in offsets else consumer.seek_to_beginning(at)
        self._next = {p: offsets[p] for p in mine if p in offsets}
        return consumer

    def batches(self) -> Iterator[Batch]:
        """Batches sorted by time until `stop`; an empty one where nothing came, so that the caller can look at its clock.

        Raises:
            SourceError: the cluster refuses; what can be retried is retried by the client.
        """
        while not self._stopped.is_set():
            try:
                polled = self._consumer.poll(timeout_ms=self._poll_ms)
            except KafkaError as error:
                raise SourceError(f"kafka: {type(error).__name__}: {error}") from error
            yield self._batch(polled)
            self._hold_back()

    def _batch(self, polled: Mapping[TopicPartition, Sequence[Any]]) -> Batch:
        parts = [self._decoded(at, records) for at, records in polled.items() if records]
        if not parts:
            return Batch(pl.DataFrame(schema=EXCHANGE_SCHEMA), [], 0)
        frame = pl.concat([part.frame for part in parts]).sort("ts", maintain_order=True)
        return Batch(frame, [letter for part in parts for letter in part.dead], sum(part.read for part in parts))

    def _decoded(self, at: TopicPartition, records: Sequence[Any]) -> Batch:
        # No string of JSON holds a bare line break, so that one between tokens may become a blank.
        lines = [(record.value or b"").replace(b"\n", b" ") for record in records]
        data = b"\n".join(line if line.strip() else _NOTHING for line in lines)
        batch = decode_lines(data, Origin(f"{at.topic}/{at.partition}", 0, self.digest_key))
        # Offsets have holes: compaction, transactions.
        batch.dead = [replace(letter, position=records[letter.position].offset) for letter in batch.dead]
        self._next[at.partition] = records[-1].offset + 1
        if batch.frame.height:
            latest = batch.frame["ts"].dt.epoch("us").max()
            self._latest[at.partition] = max(self._latest.get(at.partition, 0), int(latest))  # type: ignore[arg-type]
        return batch

    def _hold_back(self) -> None:
        """Pause partitions that run ahead in event time, as long as another one has something to catch up with."""
        behind = {p: self._latest[p] for p, lag in self.lag().items() if lag > 0 and p in self._latest}
        slowest = min(behind.values(), default=None)
        for p, latest in self._latest.items():
            at = TopicPartition(self.settings.topic, p)
            ahead = slowest is not None and latest > slowest + AHEAD_US
            if ahead and at not in self._consumer.paused():
                self._consumer.pause(at)
            elif not ahead and at in self._consumer.paused():
                self._consumer.resume(at)

    def lag(self) -> dict[int, int]:
        """Records that the broker has and this source has not handed on, by partition."""
        out = {}
        for at in self._consumer.assignment():
            high = self._consumer.highwater(at)
            if high is not None:
                out[at.partition] = max(0, high - self._next.get(at.partition, 0))
        return out

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
