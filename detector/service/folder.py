"""Whether the data folder takes what is written: a full disk makes the service wait and refuse, and lose nothing."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import structlog

from detector.service.http.state import UnwritableError
from streams.checkpoint import write_durably

_PROBE: Final = bytes(1 << 20)  # as large as a post may come to, or a disk with a few free blocks would seem well
_BETWEEN_S: Final = 1.0  # two probes: whoever asks has no token

_log = structlog.get_logger(__name__)


class Folder:
    """Knows whether the last write failed.

    Args:
        path: of the service.
    """

    def __init__(self, path: Path) -> None:
        self._probe = path / "writable.probe"
        self._away, self._next = False, 0.0
        self._probing = threading.Lock()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Something is written within.

        Raises:
            UnwritableError: instead of any OSError.
        """
        try:
            yield
        except OSError as error:
            if not self._away:
                _log.error("data_folder_unwritable", why=error.strerror)
            self._away = True
            raise UnwritableError(error.errno, error.strerror, error.filename or str(self._probe.parent)) from error
        self._back()

    def writable(self) -> bool:
        """Whether the last write went well, or one would now."""
        if self._away and self._probing.acquire(blocking=False):
            try:
                self._try()
            finally:
                self._probing.release()
        return not self._away

    def _try(self) -> None:
        """Nobody may send anything to a service that is not ready, so that no other write would tell."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _BETWEEN_S
        with suppress(OSError):
            write_durably(self._probe, _PROBE)
            self._probe.unlink()
            self._back()

    def _back(self) -> None:
        if self._away:
            _log.info("data_folder_writable")
        self._away = False
