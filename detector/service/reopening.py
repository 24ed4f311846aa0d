"""A topic that the cluster takes away is opened anew: client libraries do not try all refusals again."""

from collections.abc import Callable
from typing import Final

import structlog

from detector.service.beside import Threads
from streams.sources import SourceError

_RETRY_S: Final = 3.0

_log = structlog.get_logger(__name__)


def kept_open(
    threads: Threads, event: str, follow: Callable[[], None], close: Callable[[], None], reopen: Callable[[], None]
) -> None:
    """Follow a topic until told to end.

    Args:
        threads: that are told.
        event: said of a topic that is away.
        follow: reads it until told to end.
        close: leaves it where it is away.
        reopen: opens it again.
    """
    while not threads.stopping.is_set():
        try:
            follow()
        except SourceError as error:
            _log.error(event, error=str(error))
            close()
            _reopened(threads, event, reopen)


def _reopened(threads: Threads, event: str, reopen: Callable[[], None]) -> None:
    while not threads.wait(_RETRY_S):
        try:
            reopen()
        except SourceError as error:
            _log.warning(event, error=str(error))
        else:
            return
