"""Keeps the store to its retention periods, in a thread of its own."""

from collections.abc import Collection
from typing import Final

import structlog

from detector.alerts.store import Keep, Store
from detector.config import RetentionSettings
from detector.service.beside import Threads

_EVERY_S: Final = 6 * 3600.0
_FIRST_S: Final = 60.0  # after the start, when others have found their feet
_STOP_S: Final = 2.0
_HOUR_US: Final = 3_600_000_000

_log = structlog.get_logger(__name__)


def kept(settings: RetentionSettings) -> Keep:
    """The settings as the store takes them."""

    def days(count: int) -> int | None:
        return count * 24 * _HOUR_US or None

    s = settings
    return Keep(
        days(s.versions_days),
        days(s.labels_days),
        s.answers_hours * _HOUR_US,
        days(s.channels_days),
        days(s.audit_days),
    )


class Retention:
    """Prunes a store every six hours.

    Args:
        store: what is pruned.
        settings: how long what is kept.
        channels: names of those that are configured.
        first_s: until the first time.
    """

    def __init__(
        self, store: Store, settings: RetentionSettings, channels: Collection[str], first_s: float = _FIRST_S
    ) -> None:
        self._store, self._keep, self._channels, self._first_s = store, kept(settings), channels, first_s
        self._threads = Threads({"retention": self._run}, _STOP_S)

    def start(self) -> None:
        """Begin."""
        self._threads.start()

    def stop(self) -> None:
        """End after the transaction at hand."""
        self._threads.stop()

    def _run(self) -> None:
        wait = self._first_s
        while not self._threads.wait(wait):
            wait = _EVERY_S
            try:
                gone = self._store.prune(self._keep, self._channels, self._threads.stopping.is_set)
            except Exception as error:  # noqa: BLE001 - it must not end for good: the database may be back in six hours
                _log.error("retention_failed", error=type(error).__name__)
            else:
                _log.info("retention", **gone)
