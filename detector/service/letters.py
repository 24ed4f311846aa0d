"""Dead letters into a Kafka topic: what the file of the service gets, the topic gets. The file is the outbox."""

from pathlib import Path
from typing import Final

import msgspec
import structlog

from detector.alerts.store import Store
from detector.service.beside import Threads
from streams.batch import DeadLetter
from streams.kafka import KafkaSettings
from streams.sinks.kafka import IDEMPOTENCY_KEY, KafkaSink
from streams.sources import SourceError

_NAME: Final = "dead letters"  # no channel of notifications is called so: their names hold no blank
_CHUNK: Final = 1 << 20
_POLL_S: Final = 1.0
_RETRY_S: Final = 5.0
_STOP_S: Final = 1.0

_log = structlog.get_logger(__name__)


class LetterTopic:
    """Sends every letter at least once, under a key that stays the same; never text, for a letter holds none.

    A topic that is new is not told the past.

    Args:
        path: the file of dead letters; it may not be there yet.
        settings: how to reach the cluster; its topic takes the letters.
        store: remembers how far the file was sent.
    """

    def __init__(self, path: Path, settings: KafkaSettings, store: Store) -> None:
        self._path, self._settings, self._store = path, settings, store
        self._sink: KafkaSink | None = None
        self._threads = Threads({_NAME: self._run}, _STOP_S)

    def start(self) -> None:
        """Begin to send."""
        self._threads.start()

    def stop(self) -> None:
        """End after what is at hand, or without it where it takes long: it is sent again after the next start."""
        self._threads.stop()

    def _size(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def _run(self) -> None:
        at = self._store.notified.of(_NAME, self._size())
        while not self._threads.stopping.is_set():
            try:
                reached = self.send(at)
            except SourceError as error:
                self._sink = None  # what it holds of a failed flush comes again
                _log.warning("dead_letters_wait", why=str(error))
                self._threads.wait(_RETRY_S)
                continue
            if reached == at:
                self._threads.wait(_POLL_S)
            at = reached

    def send(self, at: int) -> int:
        """Send what the file holds after a place; the place reached, which is remembered.

        Raises:
            SourceError: the cluster did not take it.
        """
        if self._size() == at:
            return at
        with self._path.open("rb") as file:
            file.seek(at if at < self._size() else 0)  # a file that is shorter was made anew
            at, lines = file.tell(), file.readlines(_CHUNK)
        if self._sink is None:
            self._sink = KafkaSink(self._settings)
        for line in lines:
            if not line.endswith(b"\n"):
                break  # half written yet
            self._send(line, at)
            at += len(line)
        self._sink.flush()
        self._store.notified.move(_NAME, at)
        return at

    def _send(self, line: bytes, at: int) -> None:
        assert self._sink is not None
        try:
            letter = msgspec.json.decode(line, type=DeadLetter)
        except msgspec.DecodeError:
            return  # the machine stopped while it was written; its source is read again
        key = f"{letter.source}/{letter.position}@{at}"
        self._sink.send(self._settings.topic, letter, letter.source, {IDEMPOTENCY_KEY: key})
