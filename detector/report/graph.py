"""Draws a cluster as a graph: members by role, the keys that tie them by kind."""

import numpy as np

from detector.report.formats import plural, shorten
from detector.report.graph_layout import Points, layout
from detector.report.markup import Html, h, join
from detector.report.model import Graph, Node
from detector.report.words import KINDS, word

CAP = 80
KEY_CAP = 16
WIDTH, HEIGHT, MARGIN = 560, 340, 30
LABEL = 24
LETTER, LINE, KEY, DOT = 6.8, 13.0, 9.0, 5.0


def choose(graph: Graph) -> list[Node]:
    """The nodes worth drawing, at most `CAP`: the keys with most edges, then core members before peripheral ones.

    Args:
        graph: the whole cluster.

    Returns:
        Nodes, keys first; ties go by id.
    """
    degree: dict[str, int] = {}
    for first, second, _ in graph.edges:
        degree[first] = degree.get(first, 0) + 1
        degree[second] = degree.get(second, 0) + 1
    unique = {node.id: node for node in graph.nodes}
    ranked = sorted(unique.values(), key=lambda node: (node.role != "core", -degree.get(node.id, 0), node.id))
    keys = [node for node in ranked if node.kind != "account"][:KEY_CAP]
    return keys + [node for node in ranked if node.kind == "account"][: CAP - len(keys)]


def placed(graph: Graph, aspect: float) -> tuple[list[Node], list[tuple[int, int, float]], Points]:
    """The nodes worth drawing, edges between them by number, and where each stands.

    Args:
        graph: the whole cluster.
        aspect: width over height of the picture.

    Returns:
        Nodes as `choose` gives them; edges with weights above 0; f64[nodes, 2] in the unit square.
    """
    nodes = choose(graph)
    index = {node.id: position for position, node in enumerate(nodes)}
    edges = [
        (index[a], index[b], max(weight, 1e-3)) for a, b, weight in graph.edges if a in index and b in index and a != b
    ]
    pairs = np.array([edge[:2] for edge in edges], np.int64).reshape(-1, 2)
    weights = np.array([edge[2] for edge in edges], np.float64)
    return nodes, edges, layout(len(nodes), pairs, weights, aspect)


def draw(graph: Graph, title: str) -> Html | None:
    """The graph as inline SVG with a legend; None where there is nothing to draw.

    Args:
        graph: the whole cluster.
        title: what a screen reader says.

    Returns:
        A figure.
    """
    inner = np.array([WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN])
    nodes, edges, points = placed(graph, inner[0] / inner[1])
    if not nodes:
        return None
    points = points * inner + MARGIN
    heaviest = max((weight for _, _, weight in edges), default=1.0)
    lines = [_line(points[a], points[b], weight / heaviest) for a, b, weight in edges]
    accounts = [_dot(node, points[i]) for i, node in enumerate(nodes) if node.kind == "account"]
    keys = [_key(node, points[i]) for i, node in enumerate(nodes) if node.kind != "account"]
    dots = points[[i for i, node in enumerate(nodes) if node.kind == "account"]]
    labels = _labels([(node.label, points[i]) for i, node in enumerate(nodes) if node.kind != "account"], dots)
    picture = h(
        "svg",
        *lines,
        *accounts,
        *keys,
        *labels,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=title,
        class_="graph",
    )
    return h("figure", picture, h("figcaption", _legend(graph, nodes), class_="legend"), class_="graph-box")


def _line(start: Points, end: Points, share: float) -> Html:
    (x1, y1), (x2, y2) = start.round(1).tolist(), end.round(1).tolist()
    return h("path", d=f"M{x1} {y1}L{x2} {y2}", class_="edge", style=f"opacity:{0.18 + 0.5 * share:.2f}")


def _dot(node: Node, point: Points) -> Html:
    x, y = point.round(1).tolist()
    role = "core" if node.role == "core" else "peripheral"
    tip = f"{node.label}\n{role} member"
    return h("circle", cx=x, cy=y, r=5, class_=f"node {role}", data_tip=tip)


def _key(node: Node, point: Points) -> Html:
    x, y = point.round(1).tolist()
    tip = f"{word(KINDS, node.kind)}\n{shorten(node.label, 200)}"
    return h("path", d=_shape(node.kind), transform=f"translate({x} {y})", class_=f"key k-{node.kind}", data_tip=tip)


def _labels(keys: list[tuple[str, Points]], dots: Points) -> list[Html]:
    """Labels below or above their keys, where they hide fewer accounts and no label or key; or none, for the tip has it."""
    spots = np.array([at for _, at in keys]).reshape(-1, 2)
    taken: list[tuple[float, float, float]] = []
    drawn = []
    for number, (label, (key_x, key_y)) in enumerate(keys):
        shown = shorten(label, LABEL)
        half = len(shown) * LETTER / 2
        x = min(max(float(key_x), half + 4), WIDTH - half - 4)
        others = np.delete(spots, number, axis=0)
        for y in sorted((float(key_y) + 21, float(key_y) - 13), key=lambda y: _under(dots, x, y, half, DOT)):
            free = all(abs(y - other) > LINE or abs(x - at) > half + width for at, other, width in taken)
            if free and not _under(others, x, y, half, KEY) and LINE < y < HEIGHT - 4:
                taken.append((x, y, half))
                drawn.append(h("text", shown, x=round(x, 1), y=round(y, 1), text_anchor="middle"))
                break
    return drawn


def _under(points: Points, x: float, y: float, half: float, radius: float) -> int:
    """How many marks a label would cover that stands around x with its foot at y."""
    away = np.abs(points - (x, y - LINE / 3))
    return int(((away[:, 0] <= half + radius) & (away[:, 1] <= radius + LINE / 2)).sum())


def _shape(kind: str) -> str:
    """A shape a kind, so that colour is not the only way to tell them apart."""
    return {
        "payment": "M-9-6h18v12h-18z",
        "network": "M0-9L9 0 0 9-9 0z",
        "template": "M-7-9h10l4 4v14h-14z",
        "system_prompt": "M-8-8h16v16h-16z",
        "mail": "M0-9L9 7h-18z",
        "signup": "M0 9L9-7h-18z",
        "reasoning": "M-9-3h6v-6h6v6h6v6h-6v6h-6v-6h-6z",
        "tls": "M-5-8.7h10L10 0 5 8.7h-10L-10 0z",
    }.get(kind, "M0-8a8 8 0 1 0 .01 0z")


def _legend(graph: Graph, shown: list[Node]) -> Html:
    items = []
    for role in ("core", "peripheral"):
        count = sum(node.kind == "account" and (node.role == "core") == (role == "core") for node in graph.nodes)
        if count:
            mark = h(
                "svg", h("circle", cx=0, cy=0, r=5, class_=f"node {role}"), viewBox="-10 -10 20 20", aria_hidden="true"
            )
            items.append(h("span", mark, f"{count:,} {role}"))
    for kind in KINDS:
        count = sum(node.kind == kind for node in graph.nodes)
        if count:
            mark = h(
                "svg", h("path", d=_shape(kind), class_=f"key k-{kind}"), viewBox="-11 -11 22 22", aria_hidden="true"
            )
            items.append(h("span", mark, f"{count:,} {word(KINDS, kind)}" if count > 1 else word(KINDS, kind)))
    hidden = len({node.id for node in graph.nodes}) + graph.left_out - len(shown)
    note = h("span", f"{plural(hidden, 'node')} not drawn", class_="muted") if hidden else None
    return join(*items, note)
