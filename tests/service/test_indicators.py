"""Texts of known clusters: who shows one is told until there is nothing more to be told of it."""

from types import SimpleNamespace

import numpy as np

from detector.service.indicators import Indicators

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
