"""Features of clusters: a new one is a function in one of these files, or a file and a line here."""

import polars as pl

from detector.coordination.features import agreement, level, links, moments, pooled, shape, twins, work
from detector.coordination.features.base import CLUSTER_FEATURES, OF_MEMBERS, ClusterFeature, ClusterView, Population

__all__ = [
    "CLUSTER_FEATURES",
    "OF_MEMBERS",
    "ClusterFeature",
    "ClusterView",
    "Population",
    "agreement",
    "cluster_frame",
    "level",
    "links",
    "moments",
    "pooled",
    "shape",
    "twins",
    "work",
]


def cluster_frame(view: ClusterView) -> pl.DataFrame:
    """One row a cluster, one Float64 column a cluster feature."""
    return pl.DataFrame({name: f.compute(view) for name, f in CLUSTER_FEATURES.items()})
