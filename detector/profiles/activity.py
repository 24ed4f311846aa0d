"""Activity bitmaps laid out in event time: who was active in which ten minutes of the present pane and the one before."""

import numpy as np
import numpy.typing as npt
from numba import njit

from detector.profiles.bits import trailing_zeros
from detector.profiles.layout import F64, I32, PANE_US, PANES, SLOT_US, Accounts, Panes

TENS = PANE_US // SLOT_US  # ten-minute slots of a pane


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
