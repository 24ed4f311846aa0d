"""The capability model: which abilities of the model a request aims at, from hashed words, fast enough for every exchange.

Multi-label logistic regression over masked words and word pairs in hashed buckets, scaled by the root of their number; trained by
`benchmarks/train_capability.py`, described in `docs/capability-model.md`. It is evaluated inside the text pass.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detector.profiles.layout import CAPABILITIES, F32

BUCKETS = 1 << 14
_PACKAGED = Path(__file__).parent / "data" / "capability.npz"


@dataclass(frozen=True)
class CapabilityModel:
    """Weights of the linear model.

    Attributes:
        weights: f32[buckets, capabilities], buckets a power of two.
        bias: f32[capabilities].
    """

    weights: F32
    bias: F32

    @classmethod
    def load(cls, path: Path | None = None) -> "CapabilityModel":
        """Read weights; the packaged ones by default.

        Raises:
            ValueError: the file holds something else.
        """
        where = path or _PACKAGED
        with np.load(where, allow_pickle=False) as stored:
            try:
                scale, weights, bias = stored["scale"], stored["weights"], stored["bias"]
            except KeyError as error:
                raise ValueError(f"{where}: not a capability model: {error}") from error
        if weights.ndim != 2 or weights.shape[1] != len(CAPABILITIES) or weights.shape[0] & (weights.shape[0] - 1):  # noqa: PLR2004 - a matrix
            raise ValueError(f"{where}: weights of shape {weights.shape} are no capability model")
        return cls((weights * scale).astype(np.float32), bias.astype(np.float32))

    def save(self, path: Path) -> None:
        """Write weights as 8-bit integers with one scale a label."""
        scale = np.maximum(np.abs(self.weights).max(axis=0), 1e-9) / 127.0
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, scale=scale, weights=np.round(self.weights / scale).astype(np.int8), bias=self.bias)
