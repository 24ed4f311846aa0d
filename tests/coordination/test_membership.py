"""Among lookalikes a tie is a second witness: who lacks what nearly all others share is no member."""

from types import SimpleNamespace

import numpy as np
import pytest

from detector.coordination.graph import Links
from detector.coordination.keys import PAYMENT, TEMPLATE
from detector.coordination.membership import LACKS, bonds, levelled_with
from tests.coordination.links import starts_of

MEMBERS, POPULATION = 24, 5000


def view(held, alike=True):
    """One cluster whose members hold keys: (kind, members that hold it, holders in all)."""
    edges = sorted((slot, key, kind) for key, (kind, slots, _) in enumerate(held) for slot in slots)
    slot, key, kind = (np.array([e[i] for e in edges], np.int64) for i in range(3))
    links = Links(
        slot.astype(np.int32),
        key,
        kind.astype(np.uint8),
        np.ones(slot.size),
        np.array([holders for _, _, holders in held], np.int32),
        np.zeros(len(held), np.uint64),
        starts_of(slot),
    )
    return SimpleNamespace(
        slots=np.arange(MEMBERS, dtype=np.int32),
        offsets=np.array([0, MEMBERS]),
        alike=np.array([alike]),
        links=links,
        population=SimpleNamespace(size=POPULATION),
    )


def test_who_lacks_what_all_others_share_stands_out():
    nats = bonds(view([(TEMPLATE, range(MEMBERS - 1), 40)]))
    assert nats[-1] < -LACKS
    assert (nats[:-1] > LACKS).all()


@pytest.mark.parametrize("holders", [3, 8, 16])
def test_where_some_share_a_key_nobody_must(holders):
    nats = bonds(view([(PAYMENT, range(holders), holders)]))
    assert (nats[holders:] > -LACKS).all()
    assert (nats[:holders] > LACKS).all()


def test_what_everybody_has_says_nothing():
    nats = bonds(view([(TEMPLATE, range(MEMBERS // 2), POPULATION // 2)]))
    assert (np.abs(nats) < 0.1).all()


def test_another_kind_of_tie_makes_up_for_it():
    nats = bonds(view([(TEMPLATE, range(MEMBERS - 1), 40), (PAYMENT, range(12, MEMBERS), 12)]))
    assert nats[-1] > -LACKS


def test_without_ties_there_is_nothing_to_lack():
    assert not bonds(view([])).any()


def test_clusters_that_ties_found_are_not_asked():
    assert not bonds(view([(TEMPLATE, range(MEMBERS - 1), 40)], alike=False)).any()


def together(sizes, nats, several=True):
    """Clusters that were put together as one, each with nats a member by which it is level, and the text of each member."""
    size = np.array(sizes)
    level = np.repeat(np.array(nats, float), size)
    one = SimpleNamespace(
        several=np.array([several]),
        price=np.zeros(1),
        cluster=np.zeros(size.sum(), np.int64),
        level=level,
        size=np.array([float(size.sum())]),
        total=lambda values: np.array([values.sum()]),
    )
    return one, np.repeat(np.arange(1, size.size + 1), size).astype(np.uint64)


def test_people_beside_a_pool_are_levelled_less_than_its_parts():
    member = levelled_with(*together([15, 6, 5], [1.2, 0.9, 0.3]))
    assert member[:21].all()
    assert not member[21:].any()


@pytest.mark.parametrize("several", [True, False])
def test_one_part_is_levelled_with_itself(several):
    assert levelled_with(*together([9], [-0.5], several)).all()


def test_who_was_found_in_one_piece_is_not_asked():
    assert levelled_with(*together([15, 5], [1.2, 0.0], several=False)).all()
