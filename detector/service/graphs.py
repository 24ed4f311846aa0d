"""Graphs of alerted clusters for the report: members, and the keys that tie them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from detector.alerts.model import ACTIONABLE, SEVERITIES, Alert
from detector.coordination.clusters import Clusters
from detector.coordination.graph import Links
from detector.coordination.keys import KINDS, SYSTEM, TEMPLATE
from detector.profiles.layout import I32
from detector.report import Graph, Node
from detector.service.skeletons import SkeletonBank

if TYPE_CHECKING:
    from detector.report.model import NodeKind

MOST_MEMBERS = 60
_LEAST = 3  # accounts that an alert and a cluster must share to be the same case


@dataclass
class _Tie:
    """Keys of one kind that the same members hold: the pieces of one template, say.

    Attributes:
        kind: number of `KINDS`.
        weights: nats by slot, of the strongest key.
        text: masked words, empty where there are none that may be shown.
    """

    kind: int
    weights: dict[int, float]
    text: str


def cluster_graphs(
    alerts: Sequence[Alert], clusters: Clusters, ids: Sequence[str], bank: SkeletonBank
) -> dict[str, Graph]:
    """A graph for each cluster alert at high or above that the latest look still sees.

    Args:
        alerts: all alerts.
        clusters: of the latest look.
        ids: account id by slot.
        bank: masked words of the texts that may be shown.

    Returns:
        Graphs by alert id, of at most `MOST_MEMBERS` members each.
    """
    seen = [{ids[s]: s for s in clusters.members(g).tolist()} for g in range(len(clusters.names))]
    of_account: dict[str, list[int]] = {}
    for g, members in enumerate(seen):  # over clusters
        for account in members:
            of_account.setdefault(account, []).append(g)
    out: dict[str, Graph] = {}
    for alert in alerts:
        if alert.kind == "cluster" and not alert.merged_into and SEVERITIES.index(alert.severity) >= ACTIONABLE:
            met = sorted({g for account in alert.accounts for g in of_account.get(account, ())})
            slots = _same_case(set(alert.accounts), [seen[g] for g in met])
            if slots:
                out[alert.id] = cluster_graph(alert, slots, clusters.view.links, bank)
    return out


def _same_case(accounts: set[str], seen: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Members of the cluster that fits an alert best, with their slots; nothing where none holds half of its accounts."""
    best: dict[str, int] = {}
    fit = 0.0
    for members in seen:
        both = accounts & members.keys()
        likeness = len(both) / len(accounts | members.keys())
        if len(both) >= max(_LEAST, len(accounts) / 2) and likeness > fit:
            best, fit = {a: members[a] for a in both}, likeness
    return best


def cluster_graph(alert: Alert, slots: Mapping[str, int], links: Links, bank: SkeletonBank) -> Graph:
    """The graph of one alert.

    Args:
        alert: of a cluster.
        slots: of those of its accounts that are known.
        links: what accounts hold.
        bank: masked words of the texts that may be shown.
    """
    known = [m for m in alert.members if m.account_id in slots]
    shown = sorted(known, key=lambda m: (m.role != "core", -m.p_member, m.account_id))[:MOST_MEMBERS]
    names = {slots[m.account_id]: f"account {m.account_id}" for m in shown}
    nodes = [Node(names[slots[m.account_id]], "account", m.account_id, m.role) for m in shown]
    edges: list[tuple[str, str, float]] = []
    for number, tie in enumerate(_ties(np.array(sorted(names), np.int32), links, bank)):
        name = f"key {number:04}"
        nodes.append(Node(name, cast("NodeKind", KINDS[tie.kind]), tie.text or f"{len(tie.weights)} accounts"))
        edges += [(names[slot], name, weight) for slot, weight in tie.weights.items()]
    return Graph(nodes, edges, left_out=len(alert.accounts) - len(shown))


def _ties(slots: I32, links: Links, bank: SkeletonBank) -> list[_Tie]:
    """What at least two of the slots hold, what most of them hold first."""
    inside = np.flatnonzero(np.isin(links.slot, slots))
    if inside.size == 0:  # lookalikes may hold nothing at all
        return []
    inside = inside[np.argsort(links.key[inside], kind="stable")]
    keys, starts = np.unique(links.key[inside], return_index=True)
    ties: dict[tuple[int, tuple[int, ...]], _Tie] = {}
    for key, run in zip(keys.tolist(), np.split(inside, starts[1:]), strict=True):
        if run.size < 2:  # noqa: PLR2004 - a tie has two ends
            continue
        kind, holders = int(links.kind[run[0]]), links.slot[run].tolist()
        tie = ties.setdefault((kind, tuple(holders)), _Tie(kind, dict.fromkeys(holders, 0.0), ""))
        for slot, weight in zip(holders, links.weight[run].tolist(), strict=True):
            tie.weights[slot] = max(tie.weights[slot], weight)
        tie.text = max(tie.text, bank.found.get((kind, links.short(key)), ""), key=len)
    return _whole(sorted(ties.values(), key=lambda tie: (-len(tie.weights), tie.kind, sorted(tie.weights))))


def _whole(ties: Sequence[_Tie]) -> list[_Tie]:
    """Without texts all of whose holders share a text of more holders: they are pieces or fillings of one template."""
    kept: list[_Tie] = []
    for tie in ties:
        texts = [k for k in kept if k.kind == tie.kind and tie.kind in {TEMPLATE, SYSTEM}]
        if not any(tie.weights.keys() <= k.weights.keys() for k in texts):
            kept.append(tie)
    return kept
