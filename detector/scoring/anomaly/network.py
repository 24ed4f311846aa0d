"""A small network that scores a row alone: the same bits in any batch, in microseconds."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from numba import njit
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from detector.profiles.layout import F64

F32 = npt.NDArray[np.float32]

_HIDDEN = (128, 32)
_EPOCHS = 30
_RATE = 2e-3
_DECAY = 1e-4


@dataclass(frozen=True)
class Network:
    """Two hidden layers of rectified units, one output.

    Attributes:
        weights: f32[inputs, a], f32[a, b], f32[b, 1].
        biases: f32[a], f32[b], f32[1].
    """

    weights: tuple[F32, F32, F32]
    biases: tuple[F32, F32, F32]

    def __post_init__(self) -> None:
        """Refuse layers that do not fit each other: the kernel checks no bounds."""
        widths = [w.shape for w in self.weights]
        if any(w.ndim != 2 for w in self.weights) or any(b.ndim != 1 for b in self.biases):  # noqa: PLR2004 - matrices
            raise ValueError("weights are matrices, biases are vectors")
        chained = all(a[1] == b[0] for a, b in pairwise(widths)) and widths[-1][1] == 1
        if not chained or any(w[1] != b.size for w, b in zip(widths, self.biases, strict=True)):
            raise ValueError(f"layers of {widths} do not fit each other")
        if not all(np.isfinite(a).all() for a in (*self.weights, *self.biases)):
            raise ValueError("weights are not finite")

    @property
    def inputs(self) -> int:
        """Width of a row."""
        return int(self.weights[0].shape[0])

    def __call__(self, z: F32) -> F64:
        """Output for each row.

        Args:
            z: f32[rows, inputs], finite.
        """
        return _forward(np.ascontiguousarray(z), *self.weights, *self.biases)


def train(z: F32, wanted: F64, seed: int) -> Network:
    """Fit a network to wanted outputs.

    Args:
        z: f32[rows, inputs].
        wanted: f64[rows].
        seed: of start values and order.
    """
    model = MLPRegressor(hidden_layer_sizes=_HIDDEN, learning_rate_init=_RATE, alpha=_DECAY, random_state=seed)
    with threadpool_limits(1):  # the order of sums, and so the last bits, would depend on the number of threads
        for _ in range(_EPOCHS):
            model.partial_fit(z, wanted)
    a, b, c = (np.ascontiguousarray(w, np.float32) for w in model.coefs_)
    d, e, f = (np.ascontiguousarray(w, np.float32) for w in model.intercepts_)
    return Network((a, b, c), (d, e, f))


@njit(cache=True, nogil=True)
def _forward(z: F32, w1: F32, w2: F32, w3: F32, b1: F32, b2: F32, b3: F32) -> F64:
    out = np.empty(z.shape[0], np.float64)
    first, second = np.empty_like(b1), np.empty_like(b2)
    zero = np.float32(0)
    for row in range(z.shape[0]):
        first[:] = b1
        for i in range(z.shape[1]):
            x = z[row, i]
            if x != zero:  # most features of most accounts are
                for j in range(first.size):
                    first[j] += x * w1[i, j]
        second[:] = b2
        for i in range(first.size):
            x = first[i]
            if x > zero:
                for j in range(second.size):
                    second[j] += x * w2[i, j]
        total = b3[0]
        for i in range(second.size):
            if second[i] > zero:
                total += second[i] * w3[i, 0]
        out[row] = total
    return out
