"""Features of clusters: a new one is a function in one of these files, or a file and a line here."""

from collections.abc import Sequence

from detector.coordination.features import agreement, alike, level, links, moments, pooled, shape, twins, work
from detector.coordination.features.base import CLUSTER_FEATURES, OF_MEMBERS, ClusterFeature, ClusterView, Population
from detector.profiles.layout import F64

__all__ = [
    "CLUSTER_FEATURES",
    "OF_MEMBERS",
    "ClusterFeature",
    "ClusterView",
    "Population",
    "agreement",
    "alike",
    "features_of",
    "level",
    "links",
    "moments",
    "pooled",
    "shape",
    "twins",
    "work",
]


def features_of(view: ClusterView, names: Sequence[str] = ()) -> dict[str, F64]:
    """Cluster features by name, f64[clusters] each: all of them where none are named."""
    for name in names or CLUSTER_FEATURES:
        if name not in view.computed:
            view.computed[name] = CLUSTER_FEATURES[name].compute(view)
    return {name: view.computed[name] for name in names or CLUSTER_FEATURES}
