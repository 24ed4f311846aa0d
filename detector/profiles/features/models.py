"""Which models, and how fast a new one is taken up."""

import numpy as np

from detector.profiles.features.base import View, feature
from detector.profiles.layout import F64


@feature("models", "distinct", "hashed models with traffic, to 8", ("model",), "compares or collects models")
def models(v: View) -> F64:
    """Models that share a bin count once."""
    return (v.pooled.models > 0).sum(axis=1).astype(float)


@feature("launch_share", "share", "requests to models launched within 3 d", ("model",), "pivots to what is new")
def launch_share(v: View) -> F64:
    """Over the window; 0 while nothing was launched."""
    new = v.pooled.models[:, list(v.launched)].sum(axis=1) if v.launched else np.zeros(v.pooled.members.shape[0])
    return new / np.maximum(v.count("requests"), 1.0)
