"""kafka-python behind the seam."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata

from streams.kafka.client import OffsetsGoneError, Records
from streams.kafka.settings import KafkaSettings
from streams.sources import SourceError


def options(settings: KafkaSettings) -> dict[str, Any]:
    """What a consumer and a producer share."""
    return {
        "bootstrap_servers": list(settings.bootstrap),
        "security_protocol": settings.security,
        "ssl_cafile": settings.cafile,
        "ssl_certfile": settings.certfile,
        "ssl_keyfile": settings.keyfile,
        "sasl_mechanism": settings.mechanism,
        "sasl_plain_username": settings.username,
        "sasl_plain_password": settings.password,
    }


@contextmanager
def _told(where: str = "") -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise SourceError(f"kafka{where}: {type(error).__name__}: {error}") from error


class PythonConsumer:
    """A `Consumer`.

    A paused partition leaves the assignment and comes back by a seek. The library's own pause would keep what it has fetched, and
    does not give it out again while the other partitions are silent (kafka-python 3.0.12).
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._topic, self._where = settings.topic, f" {settings.where}"
        with _told(self._where):
            self._client = KafkaConsumer(
                **options(settings),
                group_id=settings.group,
                enable_auto_commit=False,
                auto_offset_reset="none",  # records that are gone must not be passed over in silence
                fetch_max_bytes=settings.in_flight_bytes,
                max_partition_fetch_bytes=settings.in_flight_bytes,
            )

    def _at(self, partitions: Collection[int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, p) for p in partitions]

    def partitions(self) -> Collection[int]:
        """All partitions of the topic."""
        with _told(self._where):
            return self._client.partitions_for_topic(self._topic) or ()

    def first_offsets(self, partitions: Collection[int]) -> dict[int, int]:
        """The first offset of each."""
        with _told(self._where):
            return {at.partition: n for at, n in self._client.beginning_offsets(self._at(partitions)).items()}

    def assign(self, at: Mapping[int, int]) -> None:
        """Read these and no others, from these offsets."""
        with _told(self._where):
            self._client.assign(self._at(at))
            for partition, offset in at.items():
                self._client.seek(TopicPartition(self._topic, partition), offset)

    def _assigned(self) -> set[int]:
        return {at.partition for at in self._client.assignment()}

    def pause(self, partitions: Collection[int]) -> None:
        """Fetch no more of these."""
        self._client.assign(self._at(self._assigned() - set(partitions)))

    def resume(self, at: Mapping[int, int]) -> None:
        """Read these from these offsets."""
        self._client.assign(self._at(self._assigned() | set(at)))
        for partition, offset in at.items():
            self._client.seek(TopicPartition(self._topic, partition), offset)

    def poll(self, wait_ms: int, most: int) -> list[Records]:
        """What has come."""
        try:
            with _told():
                polled = self._client.poll(timeout_ms=wait_ms, max_records=most)
        except SourceError as error:
            if isinstance(error.__cause__, OffsetOutOfRangeError):
                raise OffsetsGoneError([at.partition for at in error.__cause__.args[0]]) from error
            raise
        return [
            Records(at.partition, [record.offset for record in records], [record.value for record in records])
            for at, records in polled.items()
            if records
        ]

    def ends(self) -> dict[int, int]:
        """The offset after the last record of each."""
        known = {at.partition: self._client.highwater(at) for at in self._client.assignment()}
        return {partition: end for partition, end in known.items() if end is not None}

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Show offsets to the cluster."""
        self._client.commit_async(
            {TopicPartition(self._topic, p): OffsetAndMetadata(n, "", -1) for p, n in offsets.items()}
        )

    def close(self) -> None:
        """Leave."""
        with suppress(KafkaError):  # it may be the very reason for which it is left
            self._client.close()


class PythonProducer:
    """A `Producer`."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._sent: list[Any] = []
        with _told(f" {settings.where}"):
            self._client = KafkaProducer(
                **options(settings), acks="all", linger_ms=5, compression_type=settings.compression
            )

    def send(self, topic: str, value: bytes, key: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        """Queue a record."""
        with _told():
            self._sent.append(self._client.send(topic, value, key=key, headers=list(headers)))

    def flush(self, seconds: float) -> None:
        """Wait until everything queued is written."""
        sent, self._sent = self._sent, []
        with _told():
            self._client.flush(seconds)
            for future in sent:
                future.get(seconds)

    def close(self, seconds: float) -> None:
        """Leave."""
        self._client.close(seconds)
