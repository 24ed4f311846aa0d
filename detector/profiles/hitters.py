"""Bounded tables of what an account shows often: its keys and end users, and the texts that it repeats."""

import numpy as np
from numba import njit

_SATURATED = np.uint16(65_535)


@njit(cache=True)
def _counted(keys: np.ndarray, counts: np.ndarray, key: int) -> bool:
    """Count one sight of a key that is in the table, or for which there is room."""
    free = -1
    for j in range(keys.shape[0]):
        if counts[j] == 0:
            if free < 0:
                free = j
        elif keys[j] == key:
            if counts[j] < _SATURATED:
                counts[j] += np.uint16(1)
            return True
    if free < 0:
        return False
    keys[free] = key
    counts[free] = np.uint16(1)
    return True


@njit(cache=True)
def heavy(keys: np.ndarray, counts: np.ndarray, key: int) -> None:
    """Misra–Gries update of one row's table with one sight of `key`.

    A count is at most `updates / (capacity + 1)` too low (Misra and Gries 1982).
    """
    if _counted(keys, counts, key):
        return
    for j in range(keys.shape[0]):
        counts[j] -= np.uint16(1)


@njit(cache=True)
def repeated(keys: np.ndarray, counts: np.ndarray, key: int) -> None:
    """One sight of `key` in a row's table of what comes again, however much comes once.

    Misra–Gries takes one off every count when the table is full, and a wrapper in a tenth of a relay's requests never gets to
    two. Here a newcomer takes the place of a key that was seen once, chosen by its hash, and only where there is none one is taken
    off every count. A key that comes again while it is there stays. A count is never too high; how much it may be too low has no
    bound.
    """
    if _counted(keys, counts, key):
        return
    start = int(key) % keys.shape[0]
    for j in range(keys.shape[0]):
        at = start + j - (keys.shape[0] if start + j >= keys.shape[0] else 0)  # a division each would take longer
        if counts[at] == 1:
            keys[at] = key
            return
    for j in range(keys.shape[0]):
        counts[j] -= np.uint16(1)
