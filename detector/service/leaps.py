"""Records from the future: one wrong clock must not move everybody's.

The clock of the service is that of its records, so that a single one that is dated years ahead would end every window and leave all
that comes after it too late to count. A record that lies beyond the service's own clock, and after a day without any other, is not
believed. Where traffic itself goes on beyond that clock, it is the clock that is wrong.
"""

import time
from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.profiles.layout import DAY_US, HOUR_US
from streams.batch import Batch, DeadLetter, digest

AHEAD: Final = "ts_ahead"
_BEYOND_US: Final = HOUR_US  # of the service's clock: clocks of clients differ by minutes
_LEAP_US: Final = (
    DAY_US  # without a record in between: traffic that pauses longer goes on in the past, not in the future
)


@dataclass
class Leaps:
    """Holds back what leaps into the future.

    Attributes:
        key: of the dead letters' digests.
        latest: event time of the latest record that was believed, µs; 0 before one.
    """

    key: bytes
    latest: int = 0

    def without(self, batch: Batch, known: int) -> Batch:
        """A batch with its records from the future as dead letters.

        Args:
            batch: in event-time order or not.
            known: event time that the engine has come to, µs.
        """
        if batch.frame.height == 0:
            return batch
        ts = batch.frame["ts"].dt.epoch("us").to_numpy()
        limit = self._limit(np.sort(ts), max(self.latest, known))
        believed = ts <= limit
        self.latest = max(self.latest, int(ts[believed].max(initial=0)))
        if believed.all():
            return batch
        dead = batch.dead + [
            self._letter(*row) for row in batch.frame.filter(~believed)["account_id", "request_id"].rows()
        ]
        return Batch(batch.frame.filter(believed), dead, batch.read, batch.skipped, batch.repaired)

    @staticmethod
    def _limit(ts: np.ndarray, latest: int) -> int:
        """The last time that is believed, of times in order."""
        before = np.append(latest or ts[0], ts[:-1])
        leaps = (ts - np.maximum(before, latest) > _LEAP_US) & (ts > time.time() * 1e6 + _BEYOND_US)
        return int(before[np.argmax(leaps)]) if leaps.any() else int(ts[-1])

    def _letter(self, account: str, request: str) -> DeadLetter:
        return DeadLetter("service", 0, AHEAD, 0, digest(self.key, f"{account}\0{request}".encode()), "ts")
