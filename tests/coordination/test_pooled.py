"""The pooled two-sample test: without bias on what everybody sends, and sure of what is unlike."""

import numpy as np

from detector.coordination.features.pooled import discrepancy
from detector.profiles.layout import LENGTH_BINS

NEAR = np.exp(-((np.arange(LENGTH_BINS)[:, None] - np.arange(LENGTH_BINS)[None, :]) ** 2) / 8.0)


def drawn(rng, share, n, rows):
    return rng.multinomial(n, share, rows)


def test_it_has_no_bias_however_few_the_requests():
    rng = np.random.default_rng(1)
    share = rng.dirichlet(np.ones(LENGTH_BINS))
    for n in (5, 40, 400):
        found = discrepancy(drawn(rng, share, n, 4000), share * 1e9, NEAR)
        assert abs(found.mean()) < 4 * found.std() / np.sqrt(found.size)


def test_what_is_unlike_stands_out_the_more_requests_there_are():
    rng = np.random.default_rng(2)
    share, other = rng.dirichlet(np.ones(LENGTH_BINS), 2)
    power = []
    for n in (10, 100, 1000):
        null = np.quantile(discrepancy(drawn(rng, share, n, 2000), share * 1e9, NEAR), 0.99)
        power.append((discrepancy(drawn(rng, (share + other) / 2, n, 500), share * 1e9, NEAR) > null).mean())
    assert power[0] < power[1] < power[2]
    assert power[2] > 0.95


def test_a_row_without_requests_is_within_reason():
    assert np.isfinite(discrepancy(np.zeros((1, LENGTH_BINS), np.int64), np.ones(LENGTH_BINS), NEAR)).all()
