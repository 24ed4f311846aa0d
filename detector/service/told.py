"""What was told of each account, and when: the same once more is no news for some hours."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from detector.profiles.layout import HOUR_US, I32, I64, Flags, grown
from detector.scoring.severity import NONE

REPEAT_US: Final = 6 * HOUR_US  # so often are the counts of what was told brought up to date when nothing else changes


@dataclass
class Told:
    """Of single accounts, or of members of clusters.

    Attributes:
        level: i64[slots], the highest severity that was told of each, `NONE` where nothing was.
        at: i64[slots], event time of it, µs.
    """

    level: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    at: I64 = field(default_factory=lambda: np.zeros(0, np.int64))

    def each(self, slots: I32, level: I64, now: int, known: int) -> Flags:
        """Accounts of which nothing new is told; the others are told now.

        Args:
            slots: i32[n].
            level: i64[n], severity that each one has.
            now: event time, µs.
            known: slots in use.
        """
        self._grow(known)
        old = (self.level[slots] >= level) & (now - self.at[slots] < REPEAT_US)
        some = level != NONE
        news = slots[some & ~old]
        self.level[news] = np.maximum(self.level[news], level[some & ~old])
        self.at[news] = now
        return old

    def groups(self, alerted: Iterable[tuple[int, I32, int]], now: int, known: int) -> list[int]:
        """Clusters of none of whose members anything new is told; members of the others are told now, one after the other.

        Args:
            alerted: number, members and severity of each.
            now: event time, µs.
            known: slots in use.
        """
        self._grow(known)
        old = []
        for number, slots, level in alerted:
            if (self.level[slots] >= level).all() and now - int(self.at[slots].min()) < REPEAT_US:
                old.append(number)
            else:
                self.level[slots], self.at[slots] = np.maximum(self.level[slots], level), now
        return old

    def _grow(self, known: int) -> None:
        self.level, self.at = grown(self.level, known, NONE), grown(self.at, known, 0)
