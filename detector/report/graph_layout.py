"""Places a graph's nodes by forces, the same way every time; parts that nothing joins stand side by side."""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

STEPS = 220
SEED = 7
_CLOSEST = 1e-3
GAP = 0.7
"""Room between parts, in units of the room that one node takes."""

Points = NDArray[np.float64]
Indices = NDArray[np.int64]


def layout(count: int, edges: Indices, weights: NDArray[np.float64], aspect: float) -> Points:
    """Places nodes in a picture: each connected part by forces, the parts packed in rows, the largest first.

    Args:
        count: number of nodes.
        edges: i64[m, 2], node indices.
        weights: f64[m], positive; heavier edges pull harder.
        aspect: width over height of the picture.

    Returns:
        f64[count, 2] in the unit square.
    """
    points = np.zeros((count, 2))
    boxes: list[tuple[Indices, Points]] = []
    for nodes in _parts(count, edges):
        inside = np.isin(edges[:, 0], nodes)
        local = np.searchsorted(nodes, edges[inside])
        placed = _forces(nodes.size, local, weights[inside]) if local.size else _grid(nodes.size)
        boxes.append((nodes, _scale(placed, nodes.size)))
    for (nodes, placed), corner in zip(
        boxes, _pack([np.ptp(box, axis=0) + GAP for _, box in boxes], aspect), strict=True
    ):
        points[nodes] = placed - placed.min(axis=0) + corner
    return _fit(points, aspect)


def _parts(count: int, edges: Indices) -> list[Indices]:
    """Connected parts, the largest first; nodes without an edge are one part, the last."""
    graph = coo_array((np.ones(len(edges), np.int8), (edges[:, 0], edges[:, 1])), shape=(count, count))
    labels = connected_components(graph, directed=False)[1] if count else np.zeros(0, np.int64)
    sizes = np.bincount(labels, minlength=0)
    groups = [np.flatnonzero(labels == label) for label in np.argsort(-sizes, kind="stable") if sizes[label] > 1]
    alone = np.flatnonzero(sizes[labels] == 1)
    return [*groups, alone] if alone.size else groups


def _forces(count: int, edges: Indices, weights: NDArray[np.float64]) -> Points:
    """Fruchterman–Reingold: nodes repel, edges pull, a light gravity keeps the middle.

    Source: T. Fruchterman, E. Reingold, "Graph drawing by force-directed placement" (1991).
    """
    points = np.random.default_rng(SEED).standard_normal((count, 2))
    _settle(points, edges, np.sqrt(weights / weights.max()), 1.0 / np.sqrt(count))
    return _turn(points)


@njit(cache=True, nogil=True)
def _settle(points: Points, edges: Indices, pull: NDArray[np.float64], ideal: float) -> None:
    """Move the nodes until the heat is gone."""
    for step in range(STEPS):
        force = -0.5 * ideal * points
        for i in range(points.shape[0]):
            for j in range(i):
                x, y = points[i, 0] - points[j, 0], points[i, 1] - points[j, 1]
                push = ideal**2 / max(x * x + y * y, _CLOSEST**2)
                force[i, 0] += push * x
                force[i, 1] += push * y
                force[j, 0] -= push * x
                force[j, 1] -= push * y
        for e in range(edges.shape[0]):
            a, b = edges[e]
            x, y = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1]
            drag = np.hypot(x, y) / ideal * pull[e]
            force[a, 0] += drag * x
            force[a, 1] += drag * y
            force[b, 0] -= drag * x
            force[b, 1] -= drag * y
        heat = 0.12 * (1.0 - step / STEPS) ** 1.5
        for i in range(points.shape[0]):
            size = max(np.hypot(force[i, 0], force[i, 1]), 1e-9)
            points[i] += force[i] / size * min(size, heat)


def _turn(points: Points) -> Points:
    """Turns the longer axis sideways."""
    centred = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    # The sign of a singular vector is arbitrary; fix it, so that every machine draws the same picture.
    signs = np.where(axes[np.arange(2), np.abs(axes).argmax(axis=1)] < 0, -1.0, 1.0)
    turned: Points = centred @ (axes * signs[:, None]).T
    return turned


def _grid(count: int) -> Points:
    columns = int(np.ceil(np.sqrt(2 * count)))
    index = np.arange(count)
    return np.stack([index % columns, index // columns], axis=1).astype(np.float64)


def _scale(points: Points, count: int) -> Points:
    """Gives a part room in proportion to its nodes."""
    return points * (np.sqrt(count) / max(float(np.ptp(points, axis=0).max()), 1e-9)) if count > 1 else points * 0.0


def _pack(sizes: list[NDArray[np.float64]], aspect: float) -> list[NDArray[np.float64]]:
    """Corners of boxes set in rows, about as wide as the picture."""
    limit = max([np.sqrt(sum(size[0] * size[1] for size in sizes) * aspect), *(size[0] for size in sizes)], default=0.0)
    corners, x, y, row = [], 0.0, 0.0, 0.0
    for size in sizes:
        if x + size[0] > limit * (1.0 + 1e-9) and x > 0.0:
            x, y, row = 0.0, y + row, 0.0
        corners.append(np.array([x, y]))
        x, row = x + size[0], max(row, size[1])
    return corners


def _fit(points: Points, aspect: float) -> Points:
    """Stretches everything to the unit square, neither axis more than 1.6 times as much as the other on screen."""
    if not len(points):
        return points
    low, extent = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1e-9)
    on_screen = np.array([aspect, 1.0]) / extent
    scale = np.minimum(on_screen, 1.6 * on_screen.min()) / np.array([aspect, 1.0])
    placed: Points = np.clip(0.5 + (points - low - extent / 2.0) * scale, 0.0, 1.0)
    return placed
