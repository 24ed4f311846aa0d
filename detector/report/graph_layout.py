"""Places a graph's nodes by forces, the same way every time; parts that nothing joins stand side by side."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

STEPS = 220
SEED = 7
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
    ideal = 1.0 / np.sqrt(count)
    pull = np.sqrt(weights / weights.max())
    for step in range(STEPS):
        gap = points[:, None, :] - points[None, :, :]
        distance = np.maximum(np.hypot(gap[..., 0], gap[..., 1]), 1e-3)
        force = (gap * (ideal**2 / distance**2)[..., None]).sum(axis=1) - points * 0.5 * ideal
        along = points[edges[:, 1]] - points[edges[:, 0]]
        drag = along * (np.hypot(along[:, 0], along[:, 1]) / ideal * pull)[:, None]
        np.add.at(force, edges[:, 0], drag)
        np.add.at(force, edges[:, 1], -drag)
        size = np.maximum(np.hypot(force[:, 0], force[:, 1]), 1e-9)
        heat = 0.12 * (1.0 - step / STEPS) ** 1.5
        points = points + force / size[:, None] * np.minimum(size, heat)[:, None]
    return _turn(points)


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
