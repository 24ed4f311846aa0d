"""What links are made of, where a test makes its own."""

import numpy as np

from detector.profiles.layout import I64


def starts_of(slot: np.ndarray) -> I64:
    """Where the edges of each slot start, and where the last ones end."""
    return np.searchsorted(slot, np.arange(int(slot.max(initial=-1)) + 2)).astype(np.int64)
