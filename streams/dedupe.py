"""Duplicates by account and request id within 24 hours of event time, in one open-addressing table of bounded age."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

DAY_US = 86_400_000_000
_LOAD = 0.5
_FIRST = 1 << 16
_NEVER: Final = np.iinfo(np.int64).min

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def _place(keys: U64, pair: np.uint64) -> np.uint64:
    mask = np.uint64(keys.shape[0] - 1)
    place = (pair ^ (pair >> np.uint64(32))) & mask
    while keys[place] != 0 and keys[place] != pair:
        place = (place + np.uint64(1)) & mask
    return place


@njit(cache=True, nogil=True)
def _mark(keys: U64, seen: I64, pairs: U64, ts: I64, fresh: npt.NDArray[np.bool_], before: I64) -> int:
    added = 0
    for i in range(pairs.shape[0]):
        place = _place(keys, pairs[i])
        if keys[place] == 0:
            keys[place] = pairs[i]
            added += 1
            fresh[i] = True
            before[i] = _NEVER
        else:
            fresh[i] = abs(ts[i] - seen[place]) > DAY_US
            before[i] = seen[place]
        if fresh[i]:
            seen[place] = ts[i]
    return added


@njit(cache=True, nogil=True)
def _unmark(keys: U64, seen: I64, pairs: U64, before: I64) -> int:
    removed = 0
    # Backwards: so every place is emptied before those that it had made others step over, and no chain is cut.
    for i in range(pairs.shape[0] - 1, -1, -1):
        place = _place(keys, pairs[i])
        if before[i] == _NEVER:
            keys[place] = 0
            seen[place] = 0
            removed += 1
        else:
            seen[place] = before[i]
    return removed


class Marks(NamedTuple):
    """What a batch changed, so that it can be taken back.

    Attributes:
        fresh: bool[records], those that were not seen within 24 hours.
        pairs: u64, of the fresh ones.
        before: i64, when each of them was seen before, µs; the least number where it never was.
    """

    fresh: npt.NDArray[np.bool_]
    pairs: U64
    before: I64


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
        return self.mark(frame).fresh

    def mark(self, frame: pl.DataFrame) -> Marks:
        """The same as `fresh`, with what `forget` needs."""
        n = frame.height
        if n == 0:
            return Marks(np.zeros(0, np.bool_), np.zeros(0, np.uint64), np.zeros(0, np.int64))
        pairs = frame.select(pl.struct("account_id", "request_id").hash(1).alias("pair"))["pair"].to_numpy()
        pairs = np.where(pairs == 0, np.uint64(1), pairs)
        ts = frame["ts"].to_physical().to_numpy()
        self._make_room(n, int(ts[0]))
        out, before = np.zeros(n, np.bool_), np.zeros(n, np.int64)
        self._used += _mark(self._keys, self._seen, pairs, ts, out, before)
        return Marks(out, pairs[out], before[out])

    def forget(self, marks: Marks, first: int = 0) -> None:
        """Take a batch back, as if it had never been seen.

        Args:
            marks: of the latest batch: nothing was marked since.
            first: so many of its fresh records stay.
        """
        self._used -= _unmark(self._keys, self._seen, marks.pairs[first:], marks.before[first:])

    def _make_room(self, n: int, now: int) -> None:
        if self._used + n <= _LOAD * self._keys.shape[0]:
            return
        young = (self._keys != 0) & (self._seen > now - DAY_US)
        keys, seen = self._keys[young], self._seen[young]
        size = 1 << max(16, int((keys.size + n) / _LOAD).bit_length())
        self._keys, self._seen = np.zeros(size, np.uint64), np.zeros(size, np.int64)
        unused = np.zeros(keys.size, np.bool_), np.zeros(keys.size, np.int64)
        self._used = _mark(self._keys, self._seen, keys, seen, *unused)
