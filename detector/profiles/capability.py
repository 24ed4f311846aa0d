"""The capability model: which abilities of the model a request aims at, from its hashed words.

Multi-label logistic regression over masked words and word pairs in hashed buckets, divided by the root of the number
of words, with a small term of request parameters. Trained by `benchmarks/train_capability.py`, described in
`docs/capability-model.md`, evaluated inside the text pass.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from detector.profiles.digest import WEIGHT_ZERO
from detector.profiles.layout import CAPABILITIES, F32, N_CAPABILITIES, U64

BUCKETS = 1 << 15
_PACKAGED = Path(__file__).parent / "data" / "capability.npz"
_LARGEST = 127.0  # of an 8-bit weight
# A request that offers tools, or brings back what they returned, is tool use whatever its words. Log-odds, set by
# hand: the training sets pair no other request parameter with a label, and those have features of their own.
_TOOLS_OFFERED = 2.0
_TOOL_RESULTS = 2.0
_TOOLS = CAPABILITIES.index("tools")


@dataclass(frozen=True)
class CapabilityModel:
    """Weights of the linear model.

    Attributes:
        weights: i8[buckets, capabilities]; the number of buckets is a power of two.
        scale: f32[capabilities], log-odds of one unit of weight.
        bias: f32[capabilities], log-odds of a text without words.
    """

    weights: npt.NDArray[np.int8]
    scale: F32
    bias: F32

    @cached_property
    def packed(self) -> U64:
        """The weights as the kernel reads them: u64[buckets], eight unsigned bytes each, the first label lowest."""
        unsigned = (self.weights.astype(np.int16) + WEIGHT_ZERO).astype(np.uint8)
        return np.ascontiguousarray(unsigned).view("<u8").astype(np.uint64)[:, 0].copy()

    @classmethod
    def load(cls, path: Path | None = None) -> "CapabilityModel":
        """Read a model; the packaged one by default.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it holds something else than a capability model.
        """
        where = path or _PACKAGED
        with np.load(where, allow_pickle=False) as stored:
            missing = {"weights", "scale", "bias", "labels"} - set(stored.files)
            if missing:
                raise ValueError(f"{where}: not a capability model: no {', '.join(sorted(missing))}")
            weights, labels = stored["weights"], tuple(stored["labels"].tolist())
            scale, bias = stored["scale"].astype(np.float32), stored["bias"].astype(np.float32)
        if labels != CAPABILITIES:
            raise ValueError(f"{where}: labels {labels}, expected {CAPABILITIES}")
        buckets = weights.shape[0]
        if weights.dtype != np.int8 or weights.shape != (buckets, N_CAPABILITIES) or buckets & (buckets - 1):
            raise ValueError(f"{where}: weights of shape {weights.shape} and type {weights.dtype}")
        return cls(np.ascontiguousarray(weights), scale, bias)

    @classmethod
    def from_floats(cls, weights: npt.NDArray[np.float64], bias: npt.NDArray[np.float64]) -> "CapabilityModel":
        """Round trained log-odds to 8 bits, one scale a capability.

        Args:
            weights: f64[buckets, capabilities].
            bias: f64[capabilities].
        """
        scale = np.maximum(np.abs(weights).max(axis=0), np.finfo(np.float32).tiny) / _LARGEST
        rounded = np.rint(weights / scale).astype(np.int8)
        return cls(np.ascontiguousarray(rounded), scale.astype(np.float32), bias.astype(np.float32))

    def save(self, path: Path) -> None:
        """Write the model, without pickles; the same weights give the same arrays."""
        path.parent.mkdir(parents=True, exist_ok=True)
        labels = np.array(CAPABILITIES)
        np.savez_compressed(path, weights=self.weights, scale=self.scale, bias=self.bias, labels=labels)

    def request_term(self, frame: pl.DataFrame) -> F32:
        """What the request's parameters say, as log-odds; nothing where the columns are absent or null.

        Args:
            frame: n exchanges; reads `tools` and `n_tool_results` where they are there.

        Returns:
            f32[n, capabilities].
        """
        term = np.zeros((frame.height, N_CAPABILITIES), np.float32)
        if "tools" in frame.columns:
            offered = frame.get_column("tools").list.len().fill_null(0).to_numpy() > 0
            term[:, _TOOLS] += np.float32(_TOOLS_OFFERED) * offered
        if "n_tool_results" in frame.columns:
            results = frame.get_column("n_tool_results").fill_null(0).to_numpy() > 0
            term[:, _TOOLS] += np.float32(_TOOL_RESULTS) * results
        return term
