"""Level volumes against those of everybody else: what is level is told, what is people's is not."""

import numpy as np
import pytest

from detector.coordination.volumes import KINDS, Asked, bins_of, kinds_of, levelled, log_level, measure_volumes
from detector.profiles.layout import COUNT, COUNTS


def counts_of(requests, **shares):
    counts = np.zeros((len(requests), len(COUNTS)), np.int64)
    counts[:, COUNT["requests"]] = requests
    for name, share in shares.items():
        counts[:, COUNT[name]] = np.rint(share * np.asarray(requests))
    return counts


def level(members, everybody, least=2, share=1.0):
    counts = counts_of(members)
    table = measure_volumes(counts_of(everybody), np.ones(len(everybody))).requests
    mean = np.full(len(members), float(np.mean(members)))
    offsets = np.array([0, len(members)], np.int64)
    return against(counts, mean, [least], [share], offsets, table)


def against(counts, mean, least, share, offsets, table):
    asked = counts[:, COUNT["requests"]].astype(float)
    own = kinds_of(counts), bins_of(asked)
    return log_level(
        asked[None], np.ones(asked.size), mean, np.array(least), np.array(share, float), *own, offsets, table
    )[0]


def people(rng, n):
    return np.maximum(rng.poisson(rng.gamma(1.0, 40.0, n)), 1)


@pytest.mark.parametrize("seed", range(5))
def test_a_levelled_pool_stands_out_and_people_do_not(seed):
    rng = np.random.default_rng(seed)
    crowd, pool = people(rng, 3000), rng.poisson(60 * rng.lognormal(0.0, 0.12, 30))
    assert level(pool, np.concatenate([crowd, pool])).sum() > 11.5
    some = crowd[crowd >= 2][:30]
    assert level(some, crowd).sum() < 6.9


def test_where_everybody_is_level_being_so_says_nothing():
    rng = np.random.default_rng(7)
    everybody = rng.poisson(50, 2000)
    assert abs(level(everybody[:40], everybody).mean()) < 0.3


def test_those_who_are_not_seen_prove_nothing():
    rng = np.random.default_rng(3)
    crowd = people(rng, 4000)
    busy = crowd[crowd >= 12][:60]  # cut off below, as a search for busy accounts would
    assert level(busy, crowd, least=12).mean() < level(busy, crowd, least=2).mean()
    assert level(busy, crowd, least=12).sum() < 6.9


def test_those_who_send_a_rare_phrase_twice_are_busy_and_no_pool():
    rng = np.random.default_rng(8)
    crowd = people(rng, 20_000)
    for share in (0.1, 0.2):
        holders = crowd[rng.binomial(crowd, share) >= 2][:40]
        assert level(holders, crowd, share=share).mean() < level(holders, crowd).mean() - 0.1
        assert level(holders, crowd, share=share).sum() < 6.9
    pool = rng.poisson(60 * rng.lognormal(0.0, 0.12, 40))  # one that dilutes its work to a fifth is level all the same
    assert level(pool, np.concatenate([crowd, pool]), share=0.2).sum() > 11.5


def test_an_account_without_requests_counts_for_nothing():
    rng = np.random.default_rng(4)
    assert level(np.array([0, 40, 41]), people(rng, 500))[0] == 0.0


def test_the_evidence_of_a_cluster_does_not_depend_on_the_others():
    rng = np.random.default_rng(5)
    crowd, pool = people(rng, 1000), rng.poisson(60, 12)
    counts = counts_of(np.concatenate([pool, crowd[:20]]))
    table = measure_volumes(counts_of(np.concatenate([crowd, pool])), np.ones(crowd.size + pool.size)).requests
    mean = np.concatenate([np.full(12, pool.mean()), np.full(20, crowd[:20].mean())])
    both = against(counts, mean, [2, 2], [1, 1], np.array([0, 12, 32], np.int64), table)
    alone = against(counts[:12], mean[:12], [2], [1], np.array([0, 12], np.int64), table)
    assert np.allclose(both[:12], alone)


def test_kinds():
    counts = np.concatenate(
        [
            counts_of([10], embeddings=1.0),
            counts_of([10], system=1.0, multi_turn=1.0),
            counts_of([10], system=1.0),
            counts_of([10], multi_turn=0.9),
            counts_of([10]),
        ]
    )
    assert kinds_of(counts).tolist() == list(range(len(KINDS)))


def test_bins_are_half_octaves_and_bounded():
    places = bins_of(np.array([0.0, 1.0, 2.0, 4.0, 1e30]))
    assert places.tolist()[1:4] == [20, 22, 24]
    assert places[0] == 0
    assert places[-1] == 63


def carried_level(requests, carrying, everybody, share):
    table = measure_volumes(counts_of(everybody), np.ones(len(everybody)))
    asked = Asked(counts_of(requests), np.ones(len(requests)), np.asarray(carrying, float))
    return levelled(asked, np.array([2]), np.array([share]), np.array([0, len(requests)], np.int64), table)


def test_what_a_relay_sends_of_its_own_is_level_where_its_volume_is_not():
    rng = np.random.default_rng(11)
    crowd = people(rng, 3000)
    own = np.maximum(rng.poisson(12 * rng.lognormal(0.0, 0.12, 40)), 2)
    relayed = own + people(rng, 40) * 2
    ways = carried_level(relayed, own, np.concatenate([crowd, relayed]), float(np.median(own / relayed))).sum(axis=1)
    assert ways[0] < 6.9  # all that they send
    assert ways[1] > 18.4  # what carries the wrapper


def test_users_of_a_phrase_are_not_level_in_what_carries_it():
    rng = np.random.default_rng(12)
    crowd = people(rng, 20_000)
    said = rng.binomial(crowd, 0.2)
    some = np.flatnonzero(said >= 2)[:40]
    assert carried_level(crowd[some], said[some], crowd, 0.2).sum(axis=1).max() < 6.9


def test_who_does_not_carry_it_says_nothing():
    rng = np.random.default_rng(13)
    crowd = people(rng, 500)
    assert (carried_level(crowd[:20], np.zeros(20), crowd, 0.5)[[1, 3]] == 0).all()
