"""How many of the members do it: a share of all requests may be one busy member's."""

from detector.coordination.features.base import ClusterView, cluster_feature
from detector.profiles.layout import COUNT, F64

_HALF = 0.5


def _declare(name: str, count: str, needs: str, meaning: str) -> None:
    def members(v: ClusterView) -> F64:
        doing = v.each.counts[:, COUNT[count]] > _HALF * v.each.counts[:, COUNT["requests"]]
        return v.mean(doing.astype(float))

    cluster_feature(name, "share", f"members with {needs} in most requests", (needs,), meaning)(members)


_declare("soft_label_members", "logprobs", "top_logprobs", "soft labels are what the cluster is after")
_declare("multi_sample_members", "n_gt1", "n", "several samples are what the cluster is after")
