"""Named features over pooled profiles: a new one is a function in one of these files, or a file and a line here."""

from detector.profiles.features import (
    burstiness,
    capability,
    diversity,
    errors,
    followup,
    harvest,
    identity,
    models,
    rhythm,
    volume,
)
from detector.profiles.features.base import FEATURES, Feature, View, feature
from detector.profiles.features.table import features_markdown, frame_of, unavailable

__all__ = [
    "FEATURES",
    "Feature",
    "View",
    "burstiness",
    "capability",
    "diversity",
    "errors",
    "feature",
    "features_markdown",
    "followup",
    "frame_of",
    "harvest",
    "identity",
    "models",
    "rhythm",
    "unavailable",
    "volume",
]
