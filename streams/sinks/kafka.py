"""Records to Kafka topics: alerts, recommendations, dead letters, whichever client library writes them."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import msgspec

from streams.kafka import KafkaSettings, producer

IDEMPOTENCY_KEY = "idempotency-key"
_FLUSH_S = 30
_WAITING = 10_000  # records that are not confirmed yet, at most


class KafkaSink:
    """Writes JSON records; nothing counts as written before `flush`.

    Args:
        settings: how to reach the cluster; its topic is not used.

    Raises:
        SourceError: the cluster cannot be reached, or the client library is not installed.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._waiting = 0
        self._producer = producer(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, topic: str, record: object, key: str, headers: Mapping[str, str] | None = None) -> None:
        """Queue a record.

        Args:
            topic: where to.
            record: anything that msgspec can encode.
            key: records of one key stay in order.
            headers: the idempotency key among them, so that a repeated record can be told.

        Raises:
            SourceError: the record is refused, as too large for example; or one before it was.
        """
        pairs = [(name, value.encode()) for name, value in (headers or {}).items()]
        if self._waiting >= _WAITING:
            self.flush()
        self._producer.send(topic, msgspec.json.encode(record), key.encode(), pairs)
        self._waiting += 1

    def flush(self) -> None:
        """Wait until everything queued is written.

        Raises:
            SourceError: a record was refused or not confirmed in time.
        """
        self._waiting = 0
        self._producer.flush(_FLUSH_S)

    def close(self) -> None:
        """Write what is queued and leave.

        Raises:
            SourceError: as `flush`; it has left all the same.
        """
        try:
            self.flush()
        finally:
            self._producer.close(_FLUSH_S)
