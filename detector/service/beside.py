"""Threads beside the service: each works until it is told to end, and outlasts a database that is away."""

import threading
import time
from collections.abc import Callable, Mapping

import structlog

from detector.alerts.store import AwayError
from detector.service.patience import outlast

_log = structlog.get_logger(__name__)


class Threads:
    """Some threads that start and end together.

    Args:
        work: by name; each works until `stopping` is set, and is begun anew where the store went away under it.
        patience_s: how long `stop` waits for all of them; without, as long as it takes. What it leaves ends with the process.

    Attributes:
        stopping: set when they must end.
    """

    def __init__(self, work: Mapping[str, Callable[[], object]], patience_s: float | None = None) -> None:
        self.stopping, self._patience_s = threading.Event(), patience_s
        self._threads = [
            threading.Thread(target=self._run, args=(name, one), name=name, daemon=True) for name, one in work.items()
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after what is at hand, or without it where that takes too long."""
        self.stopping.set()
        until = None if self._patience_s is None else time.monotonic() + self._patience_s
        for thread in self._threads:
            if thread.is_alive():
                thread.join(None if until is None else max(0.0, until - time.monotonic()))

    @property
    def alive(self) -> bool:
        """Whether any of them still works."""
        return any(thread.is_alive() for thread in self._threads)

    def wait(self, seconds: float) -> bool:
        """Wait for so long; whether they must end."""
        return self.stopping.wait(seconds)

    def _run(self, name: str, work: Callable[[], object]) -> None:
        try:
            outlast(work, self.wait)
        except AwayError:
            return  # told to end meanwhile: what it had to do is done after the next start
        except Exception as error:  # noqa: BLE001 - it must be seen, and must not end the service
            # Not its message, for a secret or a prompt may be in it.
            _log.error("thread_stopped", thread=name, error=type(error).__name__)
