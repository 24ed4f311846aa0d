"""Account records from a topic: what stands in it when the service starts is known from the first exchange on."""

from collections.abc import Callable
from typing import Final

import polars as pl

from detector.service.beside import Threads
from detector.service.live import Live
from detector.service.patience import outlast
from detector.service.reopening import kept_open
from streams.batch import Batch
from streams.sources.kafka_table import KafkaTable

_POLL_MS: Final = 500
_GATHER_S: Final = 2.0  # all records are sorted anew with each change


class AccountTopic:
    """Follows a topic of account records, later versions over earlier ones and over those of the file.

    Where the cluster refuses what the client library does not try again, the topic is read whole anew.

    Args:
        open_: the topic, from its beginning; read whole now.
        file: records of the account file.
        live: learns of them.

    Raises:
        SourceError: the cluster refuses.
    """

    def __init__(self, open_: Callable[[], KafkaTable], file: pl.DataFrame | None, live: Live) -> None:
        self._open, self._file, self._live = open_, file, live
        self._known: list[pl.DataFrame] = []
        self._threads = Threads({"accounts": self._run})
        self._table = open_()
        self._begin()

    def start(self) -> None:
        """Begin to follow."""
        self._threads.start()

    def stop(self) -> None:
        """End, and leave the cluster."""
        self._threads.stop()
        self._leave()

    def _learn(self, batches: list[Batch]) -> None:
        frames = [batch.frame for batch in batches if batch.frame.height]
        if dead := [letter for batch in batches for letter in batch.dead]:
            self._live.refuse(dead)
        if frames:
            self._known = [pl.concat([*self._known, *frames])]
            outlast(lambda: self._live.know(self._known[0]), self._threads.wait)

    def _begin(self) -> None:
        self._known = [] if self._file is None else [self._file]
        self._learn(self._table.whole())

    def _run(self) -> None:
        kept_open(self._threads, "accounts_away", self._follow, self._leave, self._reopen)

    def _leave(self) -> None:
        self._table.close()

    def _reopen(self) -> None:
        self._table = self._open()
        self._begin()

    def _follow(self) -> None:
        while not self._threads.stopping.is_set():
            if batches := self._table.more(_POLL_MS):
                self._threads.wait(_GATHER_S)
                self._learn(batches + self._table.more(0))
