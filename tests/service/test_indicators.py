"""Texts of known clusters: who shows one is told until there is nothing more to be told of it."""

from types import SimpleNamespace

import numpy as np

from detector.coordination.graph import Links
from detector.coordination.keys import TEMPLATE
from detector.service.indicators import Indicators
from tests.coordination.links import starts_of

TEXT, OTHER = 7, 9


def requests(*each):
    """From (slot, system, prefix, suffix): short keys of texts."""
    slot, system, prefix, suffix = (np.array(column) for column in zip(*each, strict=True))
    return SimpleNamespace(
        slot=slot.astype(np.int32),
        ts=np.arange(slot.size, dtype=np.int64),
        system=system.astype(np.uint64) << np.uint64(32),
        prefix=prefix.astype(np.uint32),
        suffix=suffix.astype(np.uint32),
    )


def known(*members):
    return Indicators({TEXT: "alr_1"}, {"alr_1": set(members)}, np.array([TEXT], np.uint32))


def test_every_request_that_shows_the_text_is_told_until_its_account_is_known():
    indicators, seen = known(1), requests((1, TEXT, 0, 0), (2, TEXT, 0, 0), (2, TEXT, 0, 0), (3, OTHER, 0, 0))
    assert indicators.matches(seen, 0, 4) == [(2, 1, "alr_1"), (2, 2, "alr_1")]
    indicators.members["alr_1"].add(2)
    assert indicators.matches(seen, 0, 4) == []


def test_a_wrapper_is_how_a_prompt_begins_and_ends():
    seen = requests((2, 0, TEXT, OTHER), (3, 0, OTHER, TEXT), (4, 0, TEXT, TEXT))
    assert known().matches(seen, 0, 3) == [(4, 2, "alr_1")]


def test_only_what_was_asked_about_is_looked_at():
    seen = requests(*((k, TEXT, 0, 0) for k in range(4)))
    assert [slot for slot, _, _ in known().matches(seen, 1, 3)] == [1, 2]
    assert known().matches(seen, 2, 2) == []
    assert Indicators().matches(seen, 0, 4) == []


def links(*holders):
    """Templates by key, each with the slots that hold it."""
    edges = sorted((slot, key) for key, held in enumerate(holders) for slot in held)
    slot, key = (np.array([edge[i] for edge in edges], np.int64) for i in range(2))
    return Links(
        slot.astype(np.int32),
        key,
        np.full(slot.size, TEMPLATE, np.uint8),
        np.ones(slot.size),
        np.array([len(held) for held in holders], np.int32),
        (np.uint64(TEMPLATE + 1) << np.uint64(56)) + np.arange(len(holders), dtype=np.uint64),
        starts_of(slot),
    )


def test_the_wrapper_is_an_indicator_and_a_task_that_some_members_sent_is_not():
    indicators = Indicators()
    indicators.learn([("alr_1", np.arange(40, dtype=np.int32))], links(range(40), range(5)))
    assert set(indicators.alert) == {0}


def test_a_text_that_others_send_as_well_is_let_go():
    indicators, members = Indicators(), np.arange(10, dtype=np.int32)
    indicators.learn([("alr_1", members)], links(range(10)))
    assert indicators.matches(requests((50, 0, 0, 0)), 0, 1)
    indicators.learn([("alr_1", members)], links(range(21)))
    assert not indicators.alert
    assert not indicators.matches(requests((50, 0, 0, 0)), 0, 1)


def test_a_text_is_kept_while_as_many_accounts_take_over_as_there_were():
    indicators, members = Indicators(), np.arange(10, dtype=np.int32)
    indicators.learn([("alr_1", members)], links(range(10)))
    indicators.learn([("alr_1", members)], links(range(20)))
    assert set(indicators.alert) == {0}


def test_a_text_that_others_send_from_the_beginning_indicates_nothing():
    indicators = Indicators()
    indicators.learn([("alr_1", np.arange(10, dtype=np.int32))], links(range(12)))
    assert not indicators.alert


def test_a_wrapper_of_two_known_pools_is_an_indicator():
    indicators, shared = Indicators(), links(range(30))
    indicators.learn([("alr_1", np.arange(10, dtype=np.int32))], shared)
    assert not indicators.alert, "twenty strangers send it"
    indicators.learn([("alr_2", np.arange(10, 30, dtype=np.int32))], shared)
    assert indicators.alert == {0: "alr_2"}


def test_a_small_core_of_a_known_pool_takes_no_text_away():
    indicators, held = Indicators(), links(range(40))
    indicators.learn([("alr_1", np.arange(40, dtype=np.int32))], held)
    indicators.learn([("alr_1", np.arange(4, dtype=np.int32))], held)
    assert set(indicators.alert) == {0}
