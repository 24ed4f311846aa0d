"""Feeds a running service from Kafka: a thread that polls, and waits where too much waits already."""

from typing import Final

import structlog

from detector.service.beside import Threads
from detector.service.http.state import QueueFullError
from detector.service.live import Live
from streams.batch import Batch
from streams.sources import SourceError
from streams.sources.kafka import KafkaSource

_WAIT_S: Final = 0.2

_log = structlog.get_logger(__name__)


class KafkaFeed:
    """Hands batches of a topic to a service; nothing is dropped when it is slow, the topic waits.

    Offsets belong to the service's checkpoint: the source must have been made with `Live.offsets`.

    Args:
        source: read by this feed alone.
        live: takes the batches.
    """

    def __init__(self, source: KafkaSource, live: Live) -> None:
        self._source, self._live = source, live
        self._threads = Threads({"kafka": self._run})

    def start(self) -> None:
        """Begin to read."""
        self._threads.start()

    def stop(self) -> None:
        """End after the batch at hand, and leave the cluster."""
        self._source.stop()
        self._threads.stop()
        self._source.close()

    def _run(self) -> None:
        try:
            for batch in self._source.batches():
                if batch.read:
                    self._hand_on(batch)
                    self._source.commit()
        except SourceError as error:
            _log.error("kafka_stopped", error=str(error))

    def _hand_on(self, batch: Batch) -> None:
        while not self._threads.stopping.is_set():
            try:
                self._live.follow(batch, self._source.offsets())
            except QueueFullError:
                self._threads.wait(_WAIT_S)
            else:
                return
