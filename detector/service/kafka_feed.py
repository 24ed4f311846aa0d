"""Feeds a running service from Kafka: a thread that polls, and waits where too much waits already."""

from collections.abc import Callable, Mapping
from typing import Final

from detector.service.beside import Threads
from detector.service.http.metrics import Metrics
from detector.service.http.state import QueueFullError
from detector.service.live import Live
from detector.service.reopening import kept_open
from streams.batch import Batch
from streams.sources.kafka import KafkaSource

_WAIT_S: Final = 0.2

Open = Callable[[Mapping[int, int]], KafkaSource]


class KafkaFeed:
    """Hands batches of a topic to a service; nothing is dropped when it is slow, the topic waits.

    Where the cluster refuses what the client library does not try again, the topic is opened anew, behind what was handed on last.

    Args:
        open_: the source, from the next offset by partition; a partition that is not named is read from its beginning.
        live: takes the batches; offsets belong to its checkpoint.
        metrics: show how much of the topic waits, and whether it is read.

    Raises:
        SourceError: the cluster cannot be reached, or has no such topic.
    """

    def __init__(self, open_: Open, live: Live, metrics: Metrics) -> None:
        self._open, self._live = open_, live
        self._source = open_(live.offsets)
        self._at = self._source.offsets()
        self._away, self._behind = metrics.topic_away, metrics.topic_lag
        self._threads = Threads({"kafka": self._run})

    def start(self) -> None:
        """Begin to read."""
        self._threads.start()

    def stop(self) -> None:
        """End after the batch at hand, and leave the cluster."""
        # In this order: a source that is opened meanwhile is stopped, or not read.
        self._threads.stopping.set()
        self._source.stop()
        self._threads.stop()
        self._source.close()

    def _run(self) -> None:
        kept_open(self._threads, "kafka_away", self._read, self._leave, self._reopen)

    def _leave(self) -> None:
        self._away.set(1)
        self._source.close()

    def _reopen(self) -> None:
        self._source = self._open(self._at)

    def _read(self) -> None:
        for batch in self._source.batches():
            self._away.set(0)
            self._behind.set(sum(self._source.lag().values()))
            if batch.read:
                self._hand_on(batch)
                self._source.commit()
            if self._threads.stopping.is_set():
                return

    def _hand_on(self, batch: Batch) -> None:
        while not self._threads.stopping.is_set():
            try:
                self._live.follow(batch, self._source.offsets())
            except QueueFullError:
                self._threads.wait(_WAIT_S)
            else:
                self._at = self._source.offsets()
                return
