"""Account records from a topic: what stands in it when the service starts is known from the first exchange on."""

from typing import Final

import polars as pl
import structlog

from detector.service.beside import Threads
from detector.service.live import Live
from detector.service.patience import outlast
from streams.batch import Batch
from streams.sources import SourceError
from streams.sources.kafka_table import KafkaTable

_POLL_MS: Final = 500
_GATHER_S: Final = 2.0  # all records are sorted anew with each change

_log = structlog.get_logger(__name__)


class AccountTopic:
    """Follows a topic of account records, later versions over earlier ones and over those of the file.

    Args:
        table: the topic; read whole now.
        file: records of the account file.
        live: learns of them.

    Raises:
        SourceError: the cluster refuses.
    """

    def __init__(self, table: KafkaTable, file: pl.DataFrame | None, live: Live) -> None:
        self._table, self._live = table, live
        self._known = [] if file is None else [file]
        self._threads = Threads({"accounts": self._run})
        self._learn(table.whole())

    def start(self) -> None:
        """Begin to follow."""
        self._threads.start()

    def stop(self) -> None:
        """End, and leave the cluster."""
        self._threads.stop()
        self._table.close()

    def _learn(self, batches: list[Batch]) -> None:
        frames = [batch.frame for batch in batches if batch.frame.height]
        if dead := [letter for batch in batches for letter in batch.dead]:
            self._live.refuse(dead)
        if frames:
            self._known = [pl.concat([*self._known, *frames])]
            outlast(lambda: self._live.know(self._known[0]), self._threads.wait)

    def _run(self) -> None:
        try:
            while not self._threads.stopping.is_set():
                if batches := self._table.more(_POLL_MS):
                    self._threads.wait(_GATHER_S)
                    self._learn(batches + self._table.more(0))
        except SourceError as error:
            _log.error("accounts_stopped", error=str(error))
