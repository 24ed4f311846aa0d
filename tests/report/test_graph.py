"""The picture of a cluster: same every time, inside its frame, the important nodes first."""

import re
from importlib.resources import files

import numpy as np
import pytest

from detector.report import Graph, Node
from detector.report.graph import CAP, KEY_CAP, _labels, choose, draw
from detector.report.graph_layout import layout


def star(leaves, offset=0):
    return [(offset, offset + leaf) for leaf in range(1, leaves + 1)]


def place(count, pairs, aspect=1.6):
    edges = np.array(pairs, np.int64).reshape(-1, 2)
    return layout(count, edges, np.ones(len(edges)), aspect)


@pytest.mark.parametrize(
    ("count", "pairs"),
    [(0, []), (1, []), (2, []), (2, [(0, 1)]), (9, []), (7, star(6)), (14, star(6) + star(6, 7)), (9, star(6))],
)
def test_every_node_lies_in_the_frame_and_on_its_own(count, pairs):
    points = place(count, pairs)
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()
    assert ((points >= 0) & (points <= 1)).all()
    gaps = np.hypot(*(points[:, None, :] - points[None, :, :]).T) + np.eye(count)
    assert count < 2 or gaps.min() > 0.02


def test_the_layout_is_the_same_every_time():
    assert (place(14, star(6) + star(6, 7)) == place(14, star(6) + star(6, 7))).all()


def test_a_hub_lies_amid_its_leaves():
    points = place(11, star(10))
    assert np.hypot(*(points[0] - points[1:].mean(axis=0))) < 0.15


def test_parts_that_nothing_joins_do_not_overlap():
    points = place(14, star(6) + star(6, 7), aspect=2.0)
    first, second = points[:7], points[7:]
    apart = [
        first[:, axis].max() < second[:, axis].min() or second[:, axis].max() < first[:, axis].min() for axis in (0, 1)
    ]
    assert any(apart)


def test_keys_and_core_members_are_drawn_first():
    keys = [Node(f"k{number:02}", "network", "n") for number in range(30)]
    core = [Node(f"c{number:02}", "account", "c", "core") for number in range(60)]
    rim = [Node(f"r{number:02}", "account", "r", "peripheral") for number in range(60)]
    edges = [(node.id, "k07", 1.0) for node in core]
    chosen = choose(Graph(rim + core + keys, edges))
    assert len(chosen) == CAP
    assert chosen[0].id == "k07"
    assert sum(node.kind == "network" for node in chosen) == KEY_CAP
    assert {node.id for node in core} <= {node.id for node in chosen}


def test_the_legend_counts_all_not_only_the_drawn(make_alert, make_graph):
    assert "200 core" in draw(make_graph(make_alert(members=200)), "title")


def test_edges_to_nowhere_and_loops_are_left_out():
    graph = Graph([Node("a", "account", "a", "core")], [("a", "gone", 1.0), ("a", "a", 1.0)])
    assert 'class="edge"' not in draw(graph, "title")


def test_an_empty_graph_is_no_picture():
    assert draw(Graph(), "title") is None


def test_a_label_stands_where_it_hides_no_account():
    key = (100.0, 100.0)
    for dot, above in (((100.0, 117.0), True), ((100.0, 83.0), False)):
        (label,) = _labels([("3 accounts", np.array(key))], np.array([dot]))
        y = float(re.search(r' y="([\d.]+)"', label)[1])
        assert (y < key[1]) == above


def test_labels_of_keys_side_by_side_do_not_cover_the_keys():
    drawn = _labels(
        [("12 accounts", np.array([100.0, 100.0])), ("12 accounts", np.array([130.0, 119.0]))], np.empty((0, 2))
    )
    heights = [float(re.search(r' y="([\d.]+)"', label)[1]) for label in drawn]
    assert heights == [87.0, 140.0]


def test_every_colour_has_a_dark_twin():
    style = files("detector.report").joinpath("style.css").read_text(encoding="utf-8")
    light, dark = style.split("prefers-color-scheme: dark", 1)
    bright = set(re.findall(r"(--[\w-]+): #", light))
    assert len(bright) > 20
    assert bright <= set(re.findall(r"(--[\w-]+): #", dark))
