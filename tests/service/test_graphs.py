"""The graphs of a replay's report: the members of an alert, what ties them, and nothing of anybody else."""

from types import SimpleNamespace
from typing import get_args

import msgspec
import numpy as np
import pytest

from detector.alerts.model import Alert
from detector.coordination.graph import Links
from detector.coordination.keys import KINDS, NETWORK, PAYMENT, TEMPLATE
from detector.report.model import NodeKind
from detector.report.words import KINDS as WORDS
from detector.service.graphs import MOST_MEMBERS, cluster_graphs
from detector.service.skeletons import SkeletonBank
from tests.coordination.links import starts_of

IDS = [f"acct-{number:03}" for number in range(100)]


def alert(slots, **changes):
    fields = {
        "id": "alr_1",
        "kind": "cluster",
        "accounts": [IDS[s] for s in slots],
        "account_detected_at": {},
        "severity": "high",
        "risk": 90.0,
        "p_value": 1e-5,
        "status": "open",
        **dict.fromkeys(("first_seen", "detected_at", "last_seen"), "2026-06-01T00:00:00.000Z"),
        **dict.fromkeys(("exchanges", "exchanges_before_detection", "output_tokens_leaked"), 1),
        "techniques": [],
        "reasons": [],
        "evidence": {},
        "members": [
            {"account_id": IDS[s], "p_member": 1.0, "role": "core", "exchanges": 1, "output_tokens": 1} for s in slots
        ],
        "recommendation": None,
        **changes,
    }
    return msgspec.convert(fields, Alert)


def clusters(*groups, keys=()):
    """Clusters of slots, and keys as (kind, holders, nats)."""
    rows = sorted((slot, n, kind, nats) for n, (kind, held, nats) in enumerate(keys) for slot in held)
    slot, key, kind, weight = (np.array(column) for column in zip(*rows, strict=True))
    hashed = np.array([(k + 1) << 56 | 1_000 + n for n, (k, _, _) in enumerate(keys)], np.uint64)
    holders = np.array([len(held) for _, held, _ in keys], np.int32)
    links = Links(slot.astype(np.int32), key, kind.astype(np.uint8), weight, holders, hashed, starts_of(slot))
    return SimpleNamespace(
        names=[(0, int(group[0])) for group in groups],
        members=lambda g: np.array(groups[g], np.int32),
        view=SimpleNamespace(links=links),
    )


def draw(alerts, found, bank=None):
    return cluster_graphs(alerts, found, IDS, bank or SkeletonBank())


def ties(graph):
    return [
        (node.kind, sorted(a.split()[1] for a, k, _ in graph.edges if k == node.id))
        for node in graph.nodes
        if node.role == ""
    ]


def test_members_and_what_at_least_two_of_them_hold():
    keys = [(PAYMENT, (0, 1), 5.0), (NETWORK, (1, 2, 50), 4.0), (NETWORK, (2, 51), 4.0)]
    graph = draw([alert((0, 1, 2))], clusters((0, 1, 2), (50, 51, 52), keys=keys))["alr_1"]
    assert [node.label for node in graph.nodes if node.kind == "account"] == IDS[:3]
    assert ties(graph) == [("payment", IDS[:2]), ("network", IDS[1:3])]
    assert {weight for *_, weight in graph.edges} == {5.0, 4.0}


def test_accounts_that_hold_nothing_are_drawn_without_ties():
    graph = draw([alert((0, 1, 2))], clusters((0, 1, 2), keys=[(PAYMENT, (50, 51), 5.0)]))["alr_1"]
    assert len(graph.nodes) == 3
    assert graph.edges == []


def test_pieces_of_one_template_are_one_key_and_two_cards_are_two():
    keys = [(TEMPLATE, (0, 1, 2), 5.0), (TEMPLATE, (0, 1, 2), 6.0), (TEMPLATE, (0, 1), 9.0)]
    cards = [(PAYMENT, (0, 1, 2), 3.0), (PAYMENT, (0, 1), 3.0)]
    graph = draw([alert((0, 1, 2))], clusters((0, 1, 2), keys=keys + cards))["alr_1"]
    assert ties(graph) == [("template", IDS[:3]), ("payment", IDS[:3]), ("payment", IDS[:2])]
    assert max(weight for *_, weight in graph.edges) == 6.0


def test_words_are_those_that_the_bank_may_show():
    found = clusters((0, 1, 2), keys=[(TEMPLATE, (0, 1, 2), 5.0), (PAYMENT, (0, 1), 5.0)])
    graph = draw([alert((0, 1, 2))], found, SkeletonBank(found={(TEMPLATE, 1_000): "grade ⟨slot⟩"}))["alr_1"]
    assert [node.label for node in graph.nodes[3:]] == ["grade ⟨slot⟩", "2 accounts"]


def test_a_large_cluster_shows_its_core_and_says_how_many_are_left_out():
    slots = range(80)
    members = [
        {
            "account_id": IDS[s],
            "p_member": 0.9,
            "role": "core" if s >= 10 else "peripheral",
            "exchanges": 1,
            "output_tokens": 1,
        }
        for s in slots
    ]
    graph = draw([alert(slots, members=members)], clusters(slots, keys=[(NETWORK, slots, 3.0)]))["alr_1"]
    assert len([node for node in graph.nodes if node.kind == "account"]) == MOST_MEMBERS
    assert {node.role for node in graph.nodes} == {"core", ""}
    assert graph.left_out == 20


@pytest.mark.parametrize(
    "changes", [{"severity": "medium"}, {"kind": "account"}, {"merged_into": "alr_2"}, {"accounts": IDS[60:70]}]
)
def test_only_an_actionable_cluster_that_is_still_seen_has_one(changes):
    found = clusters((0, 1, 2), keys=[(PAYMENT, (0, 1), 5.0)])
    assert draw([alert((0, 1, 2))], found)
    assert not draw([alert((0, 1, 2), **changes)], found)


def test_the_cluster_that_fits_best_is_taken():
    keys = [(PAYMENT, (0, 1), 5.0), (NETWORK, (0, 1, 2, 3), 5.0)]
    graph = draw([alert((0, 1, 2, 3))], clusters((0, 1, 2), (0, 1, 2, 3), tuple(range(30)), keys=keys))["alr_1"]
    assert sorted(node.label for node in graph.nodes if node.kind == "account") == IDS[:4]


def test_every_kind_of_link_can_be_drawn_and_has_a_word():
    assert set(KINDS) <= set(get_args(NodeKind)) & set(WORDS)
