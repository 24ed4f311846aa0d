"""The pace of accounts that work through a list by a clock: a rate cap that is held exactly is something to share.

A pool whose scheduler gives each account the same gap shows it even where no card, network or word is shared. Requests of real
clients come in bursts: of 196 with more than 300 requests none has gaps with a coefficient of variation below 0.55 (ServeGen).
Whoever keeps a pace and repeats itself is a health check.
"""

from typing import Final

import numpy as np
from numba import njit

from detector.profiles.layout import COUNT, F64, I32, I64, PANE_US, PANES, U32, Accounts, Panes
from detector.profiles.sketches import hyperloglog
from detector.profiles.store import ProfileStore

LEAST_GAPS: Final = 20
STEADY: Final = 0.25  # coefficient of variation of the gaps; half of the least that a real client has
_REPEATS: Final = 0.5  # distinct prompts over requests; below, an account says the same again
_STEP: Final = 0.05  # of the logarithm of a gap; with so many gaps of such spread its mean is known that well
PACES: Final = 2  # keys an account: the bin on a grid, and that on the same grid half a step on
_GAPS, _REQUESTS = COUNT["gaps"], COUNT["requests"]


@njit(cache=True, nogil=True)
def _gaps(accounts: Accounts, panes: Panes, slots: I32, index: int, out: F64) -> None:
    """Fill number, sum and sum of squares of each account's gaps within the window."""
    for i in range(slots.shape[0]):
        for place in range(PANES):
            row = accounts.pane[slots[i], place]
            if row >= 0 and panes.index[row] > index - PANES:
                out[i, 0] += panes.counts[row, _GAPS]
                out[i, 1] += panes.gap_sums[row, 0]
                out[i, 2] += panes.gap_sums[row, 1]


def paces(store: ProfileStore, slots: I32, now: int) -> U32:
    """Keys of the mean gap of accounts that keep a pace over prompts that differ; u32[n, PACES], 0 for everybody else.

    Two accounts whose mean gaps are within 2.5 % of each other have a key in common.

    Args:
        store: profiles.
        slots: i32[n].
        now: event time, µs.
    """
    sums, out = np.zeros((slots.size, 3)), np.zeros((slots.size, PACES), np.uint32)
    _gaps(store.accounts, store.panes, slots, now // PANE_US, sums)
    number = np.maximum(sums[:, 0], 1.0)
    mean = np.maximum(sums[:, 1] / number, 1e-9)
    spread = np.sqrt(np.maximum(sums[:, 2] / number - mean * mean, 0.0)) / mean
    steady = np.flatnonzero((sums[:, 0] >= LEAST_GAPS) & (spread <= STEADY))
    if steady.size == 0:
        return out
    did = store.each(slots[steady], now, ("counts", "prompts"))
    steady = steady[hyperloglog(did.prompts) >= _REPEATS * did.counts[:, _REQUESTS]]
    out[steady] = _keys(mean[steady])
    return out


def _keys(gap: F64) -> U32:
    place = np.log(gap) / _STEP
    grids: I64 = np.stack([np.floor(place), np.floor(place + 1.0 / PACES)], axis=1).astype(np.int64)
    # Which grid in the lowest bit; a gap may be below a second, and no key is 0.
    return ((PACES * grids + np.arange(PACES) + (1 << 20)) & 0xFFFF_FFFF).astype(np.uint32)
