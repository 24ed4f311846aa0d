"""Parts of one pool are put together by what they ask, and strangers' clusters are not."""

import numpy as np
import pytest

from detector.coordination.kin import Kin, Part, several_payers
from detector.profiles.layout import HOUR_US

BINS, NOW = 24, 1_780_272_000_000_000


def histogram(rng, middle, n):
    return np.bincount(np.clip(np.rint(rng.normal(middle, 1.2, n)), 0, BINS - 1).astype(int), minlength=BINS)


def part(rng, first, size, middle, requests=300, level=0.8, habits=(0.0, 0.1, 0.0)):
    slots = np.arange(first, first + size, dtype=np.int32)
    texts = np.full(size, first + 1, np.uint64)
    lengths = [histogram(rng, m, requests).astype(np.int64) for m in middle]
    return Part(slots, texts, *lengths, np.array(habits), level)


def everybody(rng):
    return tuple(histogram(rng, 10, 20_000).astype(float) + histogram(rng, 6, 20_000) for _ in range(2))


def found(parts, rng):
    kin = Kin()
    for p in parts:
        kin.learn((0, int(p.slots[0])), p)
    return [(set(slots.tolist()), texts) for slots, texts in kin.find(everybody(rng), NOW)]


@pytest.mark.parametrize("seed", range(5))
def test_parts_of_one_source_are_one_and_others_stay_apart(seed):
    rng = np.random.default_rng(seed)
    pool = [part(rng, 10 * k, 6, (5.0, 16.0)) for k in range(4)]
    others = [part(rng, 100 + 10 * k, 6, rng.uniform(3, 20, 2)) for k in range(12)]
    groups = [slots for slots, _ in found([*pool, *others], rng)]
    assert set().union(*(p.slots.tolist() for p in pool)) in groups
    assert all(len(slots) <= 24 for slots in groups)


@pytest.mark.parametrize(("share", "together"), [(0.4, True), (1.0, False)])
def test_who_sends_a_system_prompt_is_of_another_source_than_who_sends_none(share, together):
    rng = np.random.default_rng(6)
    parts = [part(rng, 0, 6, (5.0, 16.0)), part(rng, 50, 6, (5.0, 16.0), habits=(share, 0.1, 0.0))]
    assert bool(found(parts, rng)) == together


@pytest.mark.parametrize(("others", "level", "together"), [(20, 0.55, True), (600, 0.55, False), (600, 0.9, True)])
def test_the_most_level_of_many_pay_for_being_chosen(others, level, together):
    rng = np.random.default_rng(7)
    pair = [part(rng, k, 10, (5.0, 16.0), level=level) for k in (0, 50)]
    crowd = [part(rng, 100 + 10 * k, 5, rng.uniform(9, 20, 2), requests=30, level=0.1) for k in range(others)]
    groups = [slots for slots, _ in found([*pair, *crowd], rng)]
    assert (set().union(*(p.slots.tolist() for p in pair)) in groups) == together


def test_each_member_keeps_the_text_of_its_part():
    rng = np.random.default_rng(1)
    ((_, texts),) = found([part(rng, 0, 3, (5.0, 16.0)), part(rng, 50, 3, (5.0, 16.0))], rng)
    assert texts.tolist() == [1, 1, 1, 51, 51, 51]


def test_a_core_is_no_kin_of_its_community():
    rng = np.random.default_rng(2)
    whole, core = part(rng, 0, 20, (5.0, 16.0)), part(rng, 5, 8, (5.0, 16.0))
    assert not found([whole, core], rng)


def test_what_is_gone_is_forgotten():
    rng = np.random.default_rng(3)
    kin = Kin()
    for first in (0, 50):
        kin.learn((0, first), part(rng, first, 4, (5.0, 16.0)))
    assert len(kin.find(everybody(rng), NOW)) == 1
    kin.keep([(0, 0)])
    assert not kin.find(everybody(rng), NOW + HOUR_US)


def test_within_the_hour_nothing_is_searched_for():
    rng = np.random.default_rng(5)
    kin = Kin()
    kin.learn((0, 0), part(rng, 0, 4, (5.0, 16.0)))
    assert not kin.find(everybody(rng), NOW)
    kin.learn((0, 50), part(rng, 50, 4, (5.0, 16.0)))
    assert not kin.find(everybody(rng), NOW + HOUR_US - 1)
    assert len(kin.find(everybody(rng), NOW + HOUR_US)) == 1


def test_the_order_in_which_parts_were_learnt_does_not_matter():
    rng = np.random.default_rng(4)
    parts = [part(rng, 10 * k, 6, (5.0, 16.0)) for k in range(3)] + [part(rng, 90, 5, (15.0, 3.0))]
    one, other = (found(order, np.random.default_rng(9)) for order in (parts, parts[::-1]))
    assert [slots for slots, _ in one] == [slots for slots, _ in other]


def test_who_pays_together_is_no_part_of_a_pool():
    payers, members = np.array([1.0, 1.0, 2.0, 3.0, 30.0]), np.array([7.0, 3.0, 7.0, 30.0, 30.0])
    assert several_payers(payers, members).tolist() == [False, False, True, False, True]
