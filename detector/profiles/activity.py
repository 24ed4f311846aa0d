"""Activity bitmaps laid out in event time: who was active in which ten minutes of the present pane and the one before."""

import numpy as np
import numpy.typing as npt
from numba import njit

from detector.profiles.bits import trailing_zeros
from detector.profiles.layout import F64, HOUR_US, I32, I64, PANE_HOURS, PANE_US, PANES, SLOT_US, Accounts, Panes

TENS = PANE_US // SLOT_US  # ten-minute slots of a pane
_TENS_AN_HOUR = HOUR_US // SLOT_US


@njit(cache=True, nogil=True)
def _count(panes: Panes, index: int, out: F64) -> None:
    for row in range(panes.slot.shape[0]):
        if panes.slot[row] < 0 or panes.index[row] < index - 1 or panes.index[row] > index:
            continue
        base = (panes.index[row] - index + 1) * TENS
        for w in range(panes.active.shape[1]):
            word = panes.active[row, w]
            while word != 0:
                out[base + 64 * w + trailing_zeros(word)] += 1.0
                word &= word - np.uint64(1)


@njit(cache=True, nogil=True)
def _bits(accounts: Accounts, panes: Panes, slots: I32, index: int, out: npt.NDArray[np.bool_]) -> None:
    for i in range(slots.shape[0]):
        for back in range(2):
            row = accounts.pane[slots[i], (index - 1 + back) % PANES]
            if row < 0 or panes.index[row] != index - 1 + back:
                continue
            for w in range(panes.active.shape[1]):
                word = panes.active[row, w]
                while word != 0:
                    out[i, back * TENS + 64 * w + trailing_zeros(word)] = True
                    word &= word - np.uint64(1)


def active_counts(panes: Panes, now: int) -> F64:
    """Accounts active in each ten minutes of the pane before `now`'s and of `now`'s; f64[2 × TENS]."""
    out = np.zeros(2 * TENS)
    _count(panes, now // PANE_US, out)
    return out


def activity_bits(accounts: Accounts, panes: Panes, slots: I32, now: int) -> npt.NDArray[np.bool_]:
    """The same by account: bool[n, 2 × TENS]."""
    out = np.zeros((slots.shape[0], 2 * TENS), np.bool_)
    _bits(accounts, panes, slots, now // PANE_US, out)
    return out


@njit(cache=True, nogil=True)
def _hours(accounts: Accounts, panes: Panes, slots: I32, first: int, out: I64) -> None:
    seen = np.zeros(out.shape[0], np.bool_)
    for slot in slots:
        seen[:] = False
        for back in range(PANES):
            row = accounts.pane[slot, (first + back) % PANES]
            if row < 0 or panes.index[row] != first + back:
                continue
            for w in range(panes.active.shape[1]):
                word = panes.active[row, w]
                while word != 0:
                    seen[back * PANE_HOURS + (64 * w + trailing_zeros(word)) // _TENS_AN_HOUR] = True
                    word &= word - np.uint64(1)
        out += seen


def active_hours(accounts: Accounts, panes: Panes, slots: I32, now: int) -> tuple[int, I64]:
    """How many of some accounts were active in each hour of the window.

    Args:
        accounts: of a store.
        panes: of it.
        slots: i32[n].
        now: event time, µs.

    Returns:
        Event time at which the first hour begins, µs, and i64[hours].
    """
    first = now // PANE_US - PANES + 1
    out = np.zeros(PANES * PANE_HOURS, np.int64)
    _hours(accounts, panes, slots, first, out)
    return first * PANE_US, out
