"""Cores: the members that hold one key, however many tools' users are in the community with them."""

import numpy as np
import pytest

from detector.coordination.cores import LEAST, MOST_MORE, ONE_MORE, PER_COMMUNITY, Core, cores
from detector.coordination.graph import Links
from detector.coordination.keys import NETWORK, SYSTEM, TEMPLATE
from detector.profiles.layout import NETWORK_KEYS
from tests.coordination.links import starts_of

COMMON, OURS, TOOLS = 1, 2, 10
POOL = range(60, 150)


def links(*texts):
    """Links of texts: key, kind, holders and nats an account that holds it."""
    rows = sorted((slot, number) for number, (_, _, held, _) in enumerate(texts) for slot in held)
    slot, key = (np.array(column) for column in zip(*rows, strict=True))
    kinds = np.array([kind for _, kind, _, _ in texts], np.uint8)
    return Links(
        slot.astype(np.int32),
        key,
        kinds[key],
        np.array([nats for _, _, _, nats in texts])[key],
        np.array([len(held) for _, _, held, _ in texts], np.int32),
        np.array([name for name, _, _, _ in texts], np.uint64),
        starts_of(slot),
    )


def mixture(tools):
    """Users of several tools and a pool, glued together by what all tools say; the pool's wrapper opens its conversations alone."""
    each = len(POOL) // tools
    users = [(TOOLS + k, SYSTEM, range(150 + each * k, 150 + each * (k + 1)), 5.0) for k in range(tools)]
    everybody = range(60, 150 + each * tools)
    held = links((COMMON, TEMPLATE, everybody, 0.7), (OURS, TEMPLATE, POOL, 0.2), *users)
    return [np.array(everybody, np.int32)], held


@pytest.mark.parametrize("tools", [2, 4, 9])
def test_a_pool_among_the_users_of_tools_is_a_core(tools):
    found = {core.key: core.members.tolist() for core in cores(*mixture(tools))}
    assert found[OURS] == list(POOL)
    assert COMMON not in found, "the community says the same"


@pytest.mark.parametrize("members", [LEAST, 30, 600])
def test_their_number_is_bounded(members):
    rng = np.random.default_rng(members)
    texts = [
        (k + 1, TEMPLATE, np.sort(rng.choice(members, int(rng.integers(1, members)), replace=False)), 1.0)
        for k in range(200)
    ]
    found = cores([np.arange(members, dtype=np.int32)], links(*texts))
    assert len(found) <= PER_COMMUNITY + min(members // ONE_MORE, MOST_MORE)
    assert all(core.members.size >= LEAST for core in found)


def test_two_keys_of_the_same_members_are_one_core():
    held = links((1, TEMPLATE, range(20), 1.0), (2, TEMPLATE, range(20), 1.0), (3, TEMPLATE, range(30), 1.0))
    assert len(cores([np.arange(30, dtype=np.int32)], held)) == 1


def test_cores_are_ranked_by_the_strength_of_their_keys():
    groups, held = mixture(4)
    rank = {core.key: core.rank for core in cores(groups, held)}
    assert rank[OURS] == 4
    assert sorted(rank[TOOLS + k] for k in range(4)) == list(range(4))


def test_a_core_beyond_those_that_every_community_has_pays_for_its_place():
    prices = [Core(1, np.arange(4, dtype=np.int32), rank).price for rank in range(PER_COMMUNITY + 4)]
    assert prices[:PER_COMMUNITY] == [0.0] * PER_COMMUNITY
    assert prices[2 * PER_COMMUNITY - 1] == pytest.approx(np.log(2))
    assert prices == sorted(prices)


def exits(busy):
    """Customers behind one egress: the small ones saw one exit each, the busy ones every exit, of which samples keep the least."""
    small, large = range(10), range(10, 10 + busy)
    rare = (NETWORK + 1 << 56) + 900
    kept = [((NETWORK + 1 << 56) + k, NETWORK, large, 3.0) for k in range(NETWORK_KEYS)]
    prompt = (1, SYSTEM, range(10 + busy), 4.0)
    return rare, cores([np.arange(10 + busy, dtype=np.int32)], links(prompt, (rare, NETWORK, small, 6.0), *kept))


def test_those_who_alone_still_hold_an_exit_are_no_core():
    rare, found = exits(busy=40)
    assert rare not in {core.key for core in found}, "the busy ones went through it as well, and their samples are full"


def test_an_exit_that_few_others_can_have_lost_is_one():
    rare, found = exits(busy=9)
    assert rare in {core.key for core in found}
