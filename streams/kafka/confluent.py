"""confluent-kafka (librdkafka) behind the seam: the extra `fast`."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from streams.kafka.client import OffsetsGoneError, Records
from streams.kafka.settings import KafkaSettings
from streams.sources import SourceError

_ANSWER_S: Final = 30.0
_OFTEN_S: Final = 0.1
_LEAST_FETCHED: Final = 1_000_000  # bytes; the library takes no less than its largest message
_LEAST_RECEIVED: Final = 100_000_000  # bytes of an answer, the library's default; a fetch must fit into it
_FATAL: Final = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED})
_GONE: Final = "_AUTO_OFFSET_RESET"
_log = logging.getLogger(__name__)


def options(settings: KafkaSettings) -> dict[str, Any]:
    """What a consumer and a producer share."""
    given = {
        "bootstrap.servers": ",".join(settings.bootstrap),
        "security.protocol": settings.security,
        "ssl.ca.location": settings.cafile,
        "ssl.certificate.location": settings.certfile,
        "ssl.key.location": settings.keyfile,
        "sasl.mechanisms": settings.mechanism,
        "sasl.username": settings.username,
        "sasl.password": settings.password,
    }
    return {name: value for name, value in given.items() if value is not None}


def _said(error: KafkaError) -> str:
    return f"{error.name()}: {error.str()}"


@contextmanager
def _told(where: str = "") -> Iterator[None]:
    try:
        yield
    except KafkaException as error:
        raise SourceError(f"kafka{where}: {_said(error.args[0])}") from error


class ConfluentConsumer:
    """A `Consumer`."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._topic, self._where = settings.topic, f" {settings.where}"
        self._gone: set[int] = set()
        most = settings.in_flight_bytes
        with _told(self._where):
            self._client = Consumer(
                {
                    **options(settings),
                    "group.id": settings.group,
                    "enable.auto.commit": False,
                    "auto.offset.reset": "error",  # records that are gone must not be passed over in silence
                    "fetch.max.bytes": max(_LEAST_FETCHED, most),
                    "max.partition.fetch.bytes": most,
                    "queued.max.messages.kbytes": max(1, most >> 10),
                    "fetch.queue.backoff.ms": 10,  # by default it looks again a second after the queue was full
                    "receive.message.max.bytes": max(_LEAST_RECEIVED, most + 1024),
                },
                logger=_log,
            )

    def _at(self, partitions: Collection[int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, p) for p in partitions]

    def _from(self, at: Mapping[int, int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, p, offset) for p, offset in at.items()]

    def partitions(self) -> Collection[int]:
        """All partitions of the topic."""
        with _told(self._where):
            known = self._client.list_topics(timeout=_ANSWER_S).topics
        return tuple(known[self._topic].partitions) if self._topic in known else ()

    def first_offsets(self, partitions: Collection[int]) -> dict[int, int]:
        """The first offset of each."""
        with _told(self._where):
            return {
                at.partition: self._client.get_watermark_offsets(at, timeout=_ANSWER_S)[0]
                for at in self._at(partitions)
            }

    def assign(self, at: Mapping[int, int]) -> None:
        """Read these and no others, from these offsets."""
        with _told(self._where):
            self._client.assign(self._from(at))

    def pause(self, partitions: Collection[int]) -> None:
        """Fetch no more of these."""
        with _told():
            self._client.incremental_unassign(self._at(partitions))

    def resume(self, at: Mapping[int, int]) -> None:
        """Read these from these offsets."""
        with _told():
            read = {each.partition for each in self._client.assignment()}
            if moved := read & set(at):
                self._client.incremental_unassign(self._at(moved))
            self._client.incremental_assign(self._from(at))

    def poll(self, wait_ms: int, most: int) -> list[Records]:
        """What has come."""
        if self._gone:
            gone, self._gone = self._gone, set()
            raise OffsetsGoneError(gone)
        with _told():
            # It would wait for as many as are asked for: wait for one, take what else is there.
            messages = self._client.consume(1, wait_ms / 1000)
            if messages and most > 1:
                messages += self._client.consume(most - 1, 0)
        return self._sorted(messages)

    def _sorted(self, messages: Sequence[Any]) -> list[Records]:
        found: dict[int, tuple[list[int], list[bytes | None]]] = {}
        for message in messages:
            if (error := message.error()) is not None:
                self._refused(error, message.partition())
                continue
            offsets, values = found.setdefault(message.partition(), ([], []))
            offsets.append(message.offset())
            values.append(message.value())
        return [Records(partition, offsets, values) for partition, (offsets, values) in found.items()]

    def _refused(self, error: KafkaError, partition: int) -> None:
        if error.name() == _GONE:
            self._gone.add(partition)  # told by the next poll; what came with it is not lost
        elif error.fatal() or error.code() in _FATAL:
            raise SourceError(f"kafka: {_said(error)}")
        else:
            _log.warning("%s", _said(error))  # tried again by the library

    def ends(self) -> dict[int, int]:
        """The offset after the last record of each."""
        with _told():
            known = {
                at.partition: self._client.get_watermark_offsets(at, cached=True) for at in self._client.assignment()
            }
        return {partition: marks[1] for partition, marks in known.items() if marks is not None and marks[1] >= 0}

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Show offsets to the cluster."""
        with _told():
            self._client.commit(offsets=self._from(offsets), asynchronous=True)

    def close(self) -> None:
        """Leave."""
        self._client.close()


class ConfluentProducer:
    """A `Producer`."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._failed: list[KafkaError] = []
        more = {} if settings.compression is None else {"compression.type": settings.compression}
        with _told(f" {settings.where}"):
            self._client = Producer(
                {**options(settings), "acks": "all", "linger.ms": 5, **more},
                logger=_log,
            )
            self._client.list_topics(timeout=_ANSWER_S)  # it would find out later that there is no cluster

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failed.append(error)

    def send(self, topic: str, value: bytes, key: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        """Queue a record."""
        with _told():
            while True:
                try:
                    self._client.produce(topic, value, key, headers=list(headers), on_delivery=self._delivered)
                except BufferError:
                    self._client.poll(_OFTEN_S)
                else:
                    return

    def flush(self, seconds: float) -> None:
        """Wait until everything queued is written."""
        left = self._client.flush(seconds)
        failed, self._failed = self._failed, []
        if failed:
            raise SourceError(f"kafka: {_said(failed[0])}")
        if left:
            raise SourceError(f"kafka: {left} records are not confirmed after {seconds:g} s")

    def close(self, seconds: float) -> None:
        """Leave."""
        self._client.flush(seconds)
        self._client.purge()
