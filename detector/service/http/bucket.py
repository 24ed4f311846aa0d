"""Token buckets: how often each holder of a token may ask."""

import threading
import time
from collections.abc import Callable


class Buckets:
    """One bucket a key.

    Args:
        rate: refill a second.
        burst: size.
        clock: seconds.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left: dict[int, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, key: int) -> float:
        """Take one; seconds to wait where there is none, else 0."""
        with self._lock:
            now = self._clock()
            left, then = self._left.get(key, (float(self._burst), now))
            left = min(float(self._burst), left + (now - then) * self._rate)
            if left < 1.0:
                return (1.0 - left) / self._rate
            self._left[key] = left - 1.0, now
            return 0.0
