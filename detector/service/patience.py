"""A database that is started again, or held by somebody else, makes the service wait and no more."""

from collections.abc import Callable
from typing import Final, TypeVar

import structlog

from detector.alerts.store import AwayError

T = TypeVar("T")
_BETWEEN_S: Final = 0.5

_log = structlog.get_logger(__name__)


def outlast(do: Callable[[], T], wait: Callable[[float], bool]) -> T:
    """Do something with the store; as long as that is away, again.

    Args:
        do: may be done twice: a database that went away does not say whether it took the last word.
        wait: waits so many seconds, and says whether it was told to end meanwhile.

    Raises:
        AwayError: the store is still away, and `wait` was told to end.
    """
    away = False
    while True:
        try:
            done = do()
        except AwayError as error:
            if not away:
                _log.warning("database_away", why=str(error))
            away = True
            if wait(_BETWEEN_S):
                raise
        else:
            if away:
                _log.info("database_back")
            return done
