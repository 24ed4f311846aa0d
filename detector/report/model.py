"""What a report is made from."""

from typing import Any, Literal

import msgspec

NodeKind = Literal[
    "account", "payment", "network", "template", "system_prompt", "mail", "signup", "tls", "timing", "reasoning"
]


class Timeline(msgspec.Struct, frozen=True):
    """Exchanges by hour.

    Attributes:
        hours: start of each hour, epoch seconds, ascending.
        counts: exchanges in it, as long as `hours`.
    """

    hours: list[int] = []
    counts: list[int] = []


class Histogram(msgspec.Struct, frozen=True):
    """Risk of everything that was scored.

    Attributes:
        edges: n + 1 ascending bin edges, risk 0..100.
        accounts: accounts by bin, n.
        clusters: clusters by bin, n.
    """

    edges: list[float] = []
    accounts: list[int] = []
    clusters: list[int] = []


class Node(msgspec.Struct, frozen=True):
    """An account, or a key that accounts share.

    Attributes:
        id: unique within its graph.
        kind: what it is.
        label: what to show; hostile text is welcome.
        role: `core` or `peripheral` for an account, empty for a key.
    """

    id: str
    kind: NodeKind
    label: str
    role: str = ""


class Graph(msgspec.Struct, frozen=True):
    """A cluster as accounts and the keys that tie them.

    Attributes:
        nodes: accounts and keys.
        edges: pairs of node ids with a weight, nats of surprise.
        left_out: accounts of the cluster that are not among the nodes.
    """

    nodes: list[Node] = []
    edges: list[tuple[str, str, float]] = []
    left_out: int = 0


class ReportData(msgspec.Struct, frozen=True):
    """Everything that the page shows.

    Attributes:
        run: `run.json` as a dict. Read, each where present: `counts` (read, accepted, duplicates, dead_lettered,
            accounts), `rates` (name to number), `versions` (name to text), `event_time` (first, last).
        alerts: alerts as DESIGN §4 has them, as dicts, in any order. Read from `evidence`, each where present: `links`
            (kind to nats), `skeletons` (texts, or objects with text, accounts, exchanges), `capabilities` (label to
            share), `timeline` (hours, and as counts the members active in each), `payers`, `explanation` (score, by_reason,
            features, links, words); from a reason also
            `score_without`; from a member also `exchanges`, `output_tokens`.
        timeline: exchanges by hour.
        risk_histogram: risk of everything that was scored.
        graphs: a cluster's graph by alert id; the page says so where an actionable cluster has none.
        unavailable: features that could not be computed, each with the fields that the log lacks.
        dead_letters: records that could not be read, by reason.
    """

    run: dict[str, Any] = {}
    alerts: list[dict[str, Any]] = []
    timeline: Timeline = Timeline()
    risk_histogram: Histogram = Histogram()
    graphs: dict[str, Graph] = {}
    unavailable: dict[str, list[str]] = {}
    dead_letters: dict[str, int] = {}
