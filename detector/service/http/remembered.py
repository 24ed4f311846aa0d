"""Answers given a moment ago: consoles and scripts ask for the same first pages again and again."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

_MOST: Final = 32  # answers
_LARGEST: Final = 1 << 20  # bytes of one: all of them together stay below 32 MiB
_SECONDS: Final = 1.0  # what another process writes, and what ends by the clock, is seen after so long


class Remembered:
    """Answers as long as nothing was written since, and a second at most. Of one thread, that of the event loop.

    Args:
        changes: a number that grows with each write of this process.
        clock: seconds.
    """

    def __init__(self, changes: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._changes, self._clock = changes, clock
        self._told = 0
        self._kept: OrderedDict[Hashable, tuple[int, float, bytes]] = OrderedDict()

    def mark(self) -> tuple[int, float]:
        """What an answer is as of: taken before the database is asked."""
        return self._changes() + self._told, self._clock()

    def outdate(self) -> None:
        """Somebody is told of a change that another process may have made, and will ask what it was."""
        self._told += 1

    def get(self, asked: Hashable) -> bytes | None:
        """The answer to the same question, where it still holds."""
        changes, when, body = self._kept.get(asked, (-1, 0.0, b""))
        return body if changes == self._changes() + self._told and self._clock() - when < _SECONDS else None

    def put(self, asked: Hashable, mark: tuple[int, float], body: bytes) -> None:
        """Remember an answer; the oldest one makes room for it."""
        if len(body) > _LARGEST:
            return
        self._kept[asked] = (*mark, body)
        self._kept.move_to_end(asked)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)
