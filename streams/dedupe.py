"""Duplicates by account and request id within 24 hours of event time, in one open-addressing table of bounded age."""

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

DAY_US = 86_400_000_000
_LOAD = 0.5
_FIRST = 1 << 16

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def _mark(keys: U64, seen: I64, pairs: U64, ts: I64, fresh: npt.NDArray[np.bool_]) -> int:
    mask = np.uint64(keys.shape[0] - 1)
    added = 0
    for i in range(pairs.shape[0]):
        place = (pairs[i] ^ (pairs[i] >> np.uint64(32))) & mask
        while keys[place] != 0 and keys[place] != pairs[i]:
            place = (place + np.uint64(1)) & mask
        if keys[place] == 0:
            keys[place] = pairs[i]
            added += 1
            fresh[i] = True
        else:
            fresh[i] = abs(ts[i] - seen[place]) > DAY_US
        if fresh[i]:
            seen[place] = ts[i]
    return added


class Deduplicator:
    """Remembers the pairs of the last 24 hours.

    A pair is a 64-bit hash; that two different pairs of a day of 100 million share one has a chance of 3 in 10,000.
    """

    def __init__(self) -> None:
        self._keys: U64 = np.zeros(_FIRST, np.uint64)
        self._seen: I64 = np.zeros(_FIRST, np.int64)
        self._used = 0

    def fresh(self, frame: pl.DataFrame) -> npt.NDArray[np.bool_]:
        """Which records were not seen within the last 24 hours; of several in one batch, the first is.

        Args:
            frame: sorted by `ts`.
        """
        n = frame.height
        if n == 0:
            return np.zeros(0, np.bool_)
        pairs = frame.select(pl.struct("account_id", "request_id").hash(1).alias("pair"))["pair"].to_numpy()
        pairs = np.where(pairs == 0, np.uint64(1), pairs)
        ts = frame["ts"].to_physical().to_numpy()
        self._make_room(n, int(ts[0]))
        out = np.zeros(n, np.bool_)
        self._used += _mark(self._keys, self._seen, pairs, ts, out)
        return out

    def _make_room(self, n: int, now: int) -> None:
        if self._used + n <= _LOAD * self._keys.shape[0]:
            return
        young = (self._keys != 0) & (self._seen > now - DAY_US)
        keys, seen = self._keys[young], self._seen[young]
        size = 1 << max(16, int((keys.size + n) / _LOAD).bit_length())
        self._keys, self._seen = np.zeros(size, np.uint64), np.zeros(size, np.int64)
        self._used = _mark(self._keys, self._seen, keys, seen, np.zeros(keys.size, np.bool_))
