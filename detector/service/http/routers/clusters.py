"""Clusters: the evidence of a cluster's alert."""

from typing import Any

import msgspec
from fastapi import APIRouter, HTTPException, Response

from detector.alerts.model import Alert, Member, Reason, Recommendation
from detector.service.http import examples
from detector.service.http.access import Reader, StateDep
from detector.service.http.answer import gives, json
from detector.service.http.paging import Name, found

router = APIRouter(prefix="/v1/clusters", tags=["clusters"])


class Cluster(msgspec.Struct):
    """Accounts that act as one.

    Attributes:
        id: of its alert.
        members: core ones first.
        reasons: strongest first.
        links: nats a kind, mean over members.
        skeletons: masked texts that unrelated payers share.
        capabilities: what the prompts train, as shares.
        timeline: members active in each hour.
        features: of the cluster as a whole.
        recommendation: what to do.
    """

    id: str
    members: list[Member]
    reasons: list[Reason]
    links: dict[str, float]
    skeletons: list[dict[str, Any]]
    capabilities: dict[str, float]
    timeline: dict[str, list[int]]
    features: dict[str, float]
    recommendation: Recommendation | None


def _cluster(alert: Alert) -> Cluster:
    e = alert.evidence
    return Cluster(
        alert.id,
        alert.members,
        alert.reasons,
        e.get("links", {}),
        e.get("skeletons", []),
        e.get("capabilities", {}),
        e.get("timeline", {"hours": [], "counts": []}),
        e.get("features", {}),
        alert.recommendation,
    )


@router.get("/{alert_id}", responses=gives(Cluster, _cluster(examples.ALERT), 404, said="The cluster"))
def get_cluster(state: StateDep, _: Reader, alert_id: Name) -> Response:
    """Read the cluster of an alert."""
    alert: Alert = found(state.store.alerts.get(alert_id), "cluster")
    if alert.kind != "cluster":
        raise HTTPException(404, "The alert is of a single account.")
    return json(_cluster(state.enforcing.shown(alert)))
