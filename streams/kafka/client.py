"""What is asked of a client library, and nothing else: batches, offsets and back-pressure are the source's own matter.

A library is one file beside this one. Its errors come out as `SourceError`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from streams.kafka.settings import KafkaSettings
from streams.sources import SourceError


class Records(NamedTuple):
    """What one poll brought of one partition, in order.

    Attributes:
        partition: number.
        offsets: of each; with holes, after compaction and transactions.
        values: of each; None of a tombstone.
    """

    partition: int
    offsets: Sequence[int]
    values: list[bytes | None]


class OffsetsGoneError(Exception):
    """The cluster no longer has, or never had, the offsets wanted.

    Attributes:
        partitions: of which.
    """

    def __init__(self, partitions: Collection[int]) -> None:
        super().__init__(f"partitions {sorted(partitions)}")
        self.partitions = partitions


class Consumer(Protocol):
    """Reads the topic of the settings; the group never assigns, we do."""

    def partitions(self) -> Collection[int]:
        """All partitions of the topic; none where there is no such topic."""
        ...

    def first_offsets(self, partitions: Collection[int]) -> dict[int, int]:
        """The first offset that the cluster has, by partition."""
        ...

    def assign(self, at: Mapping[int, int]) -> None:
        """Read these partitions and no others, from these offsets."""
        ...

    def pause(self, partitions: Collection[int]) -> None:
        """Fetch no more of these, and forget what was fetched and not handed out."""
        ...

    def resume(self, at: Mapping[int, int]) -> None:
        """Read these from these offsets, whether they were paused or at another place."""
        ...

    def poll(self, wait_ms: int, most: int) -> list[Records]:
        """What has come, at most so many records; waits for the first.

        Raises:
            OffsetsGoneError: until these partitions are resumed elsewhere, nothing comes of them.
        """
        ...

    def ends(self) -> dict[int, int]:
        """The offset after the last record, as last told, of the partitions that are read."""
        ...

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Show offsets to the cluster, without waiting; a failure is logged by the library."""
        ...

    def close(self) -> None:
        """Leave."""
        ...


class Producer(Protocol):
    """Writes records, confirmed by all replicas in sync."""

    def send(self, topic: str, value: bytes, key: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        """Queue a record.

        Raises:
            SourceError: it is refused at once, as too large for example.
        """
        ...

    def flush(self, seconds: float) -> None:
        """Wait until everything queued is written.

        Raises:
            SourceError: a record was refused, or not confirmed in time.
        """
        ...

    def close(self, seconds: float) -> None:
        """Leave; what is not written by then is dropped."""
        ...


def consumer(settings: KafkaSettings) -> Consumer:
    """A consumer of the library that the settings name.

    Raises:
        SourceError: the cluster cannot be reached, or the library is not installed.
    """
    if settings.library == "confluent":
        _need_confluent()
        from streams.kafka.confluent import ConfluentConsumer  # noqa: PLC0415 - an extra

        return ConfluentConsumer(settings)
    from streams.kafka.kafka_python import PythonConsumer  # noqa: PLC0415 - only the library that is used is loaded

    return PythonConsumer(settings)


def producer(settings: KafkaSettings) -> Producer:
    """A producer of the library that the settings name.

    Raises:
        SourceError: as `consumer`.
    """
    if settings.library == "confluent":
        _need_confluent()
        from streams.kafka.confluent import ConfluentProducer  # noqa: PLC0415 - an extra

        return ConfluentProducer(settings)
    from streams.kafka.kafka_python import PythonProducer  # noqa: PLC0415 - only the library that is used is loaded

    return PythonProducer(settings)


def _need_confluent() -> None:
    try:
        import confluent_kafka  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise SourceError(
            "kafka: the client confluent is not installed; it comes with the extra fast: pip install 'revenuer[fast]'"
        ) from error
