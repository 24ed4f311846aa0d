"""Clusters: the evidence of a cluster's alert."""

from typing import Any

import msgspec
from fastapi import APIRouter, HTTPException, Response

from detector.alerts.model import Alert, Member, Reason, Recommendation, rfc3339
from detector.report.graph import placed
from detector.service.http import examples
from detector.service.http.access import Reader, StateDep
from detector.service.http.answer import gives, json
from detector.service.http.paging import Name, found

router = APIRouter(prefix="/v1/clusters", tags=["clusters"])


class Timeline(msgspec.Struct):
    """Members active in each hour.

    Attributes:
        hours: their beginning, RFC 3339.
        counts: members active in each.
    """

    hours: list[str]
    counts: list[int]


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
    timeline: Timeline
    features: dict[str, float]
    recommendation: Recommendation | None


class Place(msgspec.Struct):
    """An account, or something that accounts share, in a picture.

    Attributes:
        kind: account, or as of a link.
        label: account id, masked text, or how many hold it.
        role: core or peripheral; empty where it is no account.
        x: from the left, 0–1.
        y: from the top, 0–1.
    """

    kind: str
    label: str
    role: str
    x: float
    y: float


class ClusterGraph(msgspec.Struct):
    """What ties the accounts of a cluster, as of the latest look.

    Attributes:
        nodes: the most telling ones; none where the accounts are no cluster now.
        edges: two numbers of nodes, and nats.
        left_out: accounts that are not among the nodes.
    """

    nodes: list[Place]
    edges: list[tuple[int, int, float]]
    left_out: int


_GRAPH = ClusterGraph(
    [Place("account", "acct-1001", "core", 0.1, 0.5), Place("template", "solve this task: …", "", 0.9, 0.5)],
    [(0, 1, 4.2)],
    0,
)
_ASPECT = 1.6  # of the picture


def _cluster(alert: Alert) -> Cluster:
    e = alert.evidence
    return Cluster(
        alert.id,
        alert.members,
        alert.reasons,
        e.get("links", {}),
        e.get("skeletons", []),
        e.get("capabilities", {}),
        _timeline(e.get("timeline", {})),
        e.get("features", {}),
        alert.recommendation,
    )


def _timeline(told: dict[str, list[Any]]) -> Timeline:
    # Alerts that were stored by earlier versions, and did not change since, have epoch seconds.
    hours = [hour if isinstance(hour, str) else rfc3339(int(hour) * 1_000_000) for hour in told.get("hours", [])]
    return Timeline(hours, told.get("counts", []))


@router.get("/{alert_id}", responses=gives(Cluster, _cluster(examples.ALERT), 404, said="The cluster"))
def get_cluster(state: StateDep, _: Reader, alert_id: Name) -> Response:
    """Read the cluster of an alert."""
    alert: Alert = found(state.store.alerts.get(alert_id), "cluster")
    if alert.kind != "cluster":
        raise HTTPException(404, "The alert is of a single account.")
    return json(_cluster(state.enforcing.shown(alert)))


@router.get("/{alert_id}/graph", responses=gives(ClusterGraph, _GRAPH, 404, said="The graph"))
def get_graph(state: StateDep, _: Reader, alert_id: Name) -> Response:
    """Read what ties the accounts of an alert, laid out for a picture."""
    alert: Alert = found(state.store.alerts.get(alert_id), "cluster")
    graph = state.detector.graph(alert)
    if graph is None:
        return json(ClusterGraph([], [], len(alert.accounts)))
    nodes, edges, points = placed(graph, _ASPECT)
    places = [
        Place(node.kind, node.label, node.role, *point)
        for node, point in zip(nodes, points.round(4).tolist(), strict=True)
    ]
    drawn = sum(node.kind == "account" for node in nodes)
    return json(ClusterGraph(places, edges, len(alert.accounts) - drawn))
