"""Features of clusters: a new one is a function in one of these files, or a file and a line here."""

from collections.abc import Sequence

import polars as pl

from detector.coordination.features import agreement, alike, level, links, moments, pooled, shape, twins, work
from detector.coordination.features.base import CLUSTER_FEATURES, OF_MEMBERS, ClusterFeature, ClusterView, Population

__all__ = [
    "CLUSTER_FEATURES",
    "OF_MEMBERS",
    "ClusterFeature",
    "ClusterView",
    "Population",
    "agreement",
    "alike",
    "cluster_frame",
    "level",
    "links",
    "moments",
    "pooled",
    "shape",
    "twins",
    "work",
]


def cluster_frame(view: ClusterView, names: Sequence[str] = ()) -> pl.DataFrame:
    """One row a cluster, one Float64 column a cluster feature: all of them where none are named."""
    for name in names or CLUSTER_FEATURES:
        if name not in view.computed:
            view.computed[name] = CLUSTER_FEATURES[name].compute(view)
    return pl.DataFrame({name: view.computed[name] for name in names or CLUSTER_FEATURES})
