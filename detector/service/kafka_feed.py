"""Feeds a running service from Kafka: a thread that polls, and waits where too much waits already."""

import threading
from typing import Final

import structlog

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
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kafka", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End after the batch at hand, and leave the cluster."""
        self._stop.set()
        self._source.stop()
        if self._thread.is_alive():
            self._thread.join()
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
        while not self._stop.is_set():
            try:
                self._live.follow(batch, self._source.offsets())
            except QueueFullError:
                self._stop.wait(_WAIT_S)
            else:
                return
