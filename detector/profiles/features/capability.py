"""Capability targeting: what the requests want the model to be good at."""

import numpy as np

from detector.profiles.features.base import View, feature
from detector.profiles.layout import CAPABILITIES, F64, N_CAPABILITIES

_FIXED_POINT = 255.0


def _mean(v: View, column: int) -> F64:
    return v.pooled.capability[:, column] / _FIXED_POINT / np.maximum(v.count("requests"), 1.0)


def _declare(column: int, name: str) -> None:
    feature(f"cap_{name}", "probability", f"mean probability of {name}", ("prompt",), f"requests aim at {name}")(
        lambda v: _mean(v, column)
    )


for _column, _name in enumerate(CAPABILITIES):
    _declare(_column, _name)


@feature(
    "training_value",
    "probability",
    "mean of max(reasoning, grading, synthesis, ½ maths, ½ coding)",
    ("prompt",),
    "outputs worth training on",
)
def training_value(v: View) -> F64:
    """Weights from what campaigns were aimed at: reasoning, grading and data first."""
    return _mean(v, N_CAPABILITIES)
