"""A small network that scores a raw row alone: the same bits in any batch, in about a microsecond."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from detector.profiles.layout import F64
from detector.scoring.anomaly.prepare import Preparation

F32 = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

REACH: Final = 27.0  # robust deviations (four of their asinh); beyond, an extrapolating network would be guessing
_LANES: Final = 8  # inputs that are taken up at a time


@dataclass(frozen=True)
class Network:
    """Two hidden layers of rectified units, one output. Inputs are features, then one column a known stratum.

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

    def __call__(self, x: F64, preparation: Preparation, strata: Places) -> F64:
        """Output for each row.

        Args:
            x: f64[rows, features], NaN where unknown.
            preparation: of the features.
            strata: i64[rows], number of the known stratum, -1 for none.

        Raises:
            ValueError: rows, strata and preparation do not fit the network.
        """
        p = preparation
        if x.shape != (strata.size, p.centre.size) or (
            strata.size and (strata.min() < -1 or p.centre.size + strata.max() >= self.inputs)
        ):
            raise ValueError(f"rows of {x.shape[1]} features for {self.inputs} inputs")
        return _forward(x, strata, p.low, p.high, p.centre, 1.0 / p.scale, *self.weights, *self.biases)


@njit(inline="always")
def _tamed(x: float, low: float, high: float, centre: float, rate: float) -> np.float32:
    """A feature as the network sees it: robust deviations, the square root of many. Unlike a logarithm it takes no time."""
    known = x if x == x else centre  # noqa: PLR0124 - NaN is unknown
    known = high if known == np.inf else (low if known == -np.inf else known)
    t = np.float32((known - centre) * rate)
    t = min(max(t, np.float32(-REACH)), np.float32(REACH))
    return t / np.sqrt(np.float32(1) + abs(t))


@njit(cache=True, nogil=True)
def tamed(x: F64, low: F64, high: F64, centre: F64, rate: F64) -> F32:
    """f32[rows, features], as the network sees rows."""
    out = np.empty(x.shape, np.float32)
    for row in range(x.shape[0]):
        for i in range(x.shape[1]):
            out[row, i] = _tamed(x[row, i], low[i], high[i], centre[i], rate[i])
    return out


# Contraction fuses a product with its sum. Nothing is reordered, and every row takes the same path alone or among others.
@njit(nogil=True, fastmath={"contract", "nsz"}, error_model="numpy", inline="always")
def _layer(y: F32, w: F32, sums: F32) -> None:
    """Add the products of a layer's inputs, `_LANES` at a time: a sum is loaded and stored once for all of them."""
    whole = y.size // _LANES * _LANES
    for i in range(0, whole, _LANES):
        a, b, c, d = y[i], y[i + 1], y[i + 2], y[i + 3]
        e, f, g, h = y[i + 4], y[i + 5], y[i + 6], y[i + 7]
        for u in range(sums.size):
            more = e * w[i + 4, u] + f * w[i + 5, u] + g * w[i + 6, u] + h * w[i + 7, u]
            sums[u] += a * w[i, u] + b * w[i + 1, u] + c * w[i + 2, u] + d * w[i + 3, u] + more
    for i in range(whole, y.size):
        for u in range(sums.size):
            sums[u] += y[i] * w[i, u]


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")
def _forward(
    x: F64,
    strata: Places,
    low: F64,
    high: F64,
    centre: F64,
    rate: F64,
    w1: F32,
    w2: F32,
    w3: F32,
    b1: F32,
    b2: F32,
    b3: F32,
) -> F64:
    out = np.empty(x.shape[0], np.float64)
    features = x.shape[1]
    z, first, second = np.empty(features, np.float32), np.empty_like(b1), np.empty_like(b2)
    for row in range(x.shape[0]):
        for i in range(features):
            z[i] = _tamed(x[row, i], low[i], high[i], centre[i], rate[i])
        first[:] = b1
        if strata[row] >= 0:
            first += w1[features + strata[row]]
        _layer(z, w1, first)
        for i in range(first.size):
            first[i] = max(first[i], np.float32(0))
        second[:] = b2
        _layer(first, w2, second)
        total = b3[0]
        for i in range(second.size):
            total += max(second[i], np.float32(0)) * w3[i, 0]
        out[row] = total
    return out
