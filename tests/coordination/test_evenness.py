"""Evenness is certain or it is none: a few requests each are even by chance."""

import numpy as np
import pytest

from detector.coordination.features.shape import certain_spread


def evenness(counts):
    mean = np.full(counts.size, counts.mean())
    square = (mean**2).sum(keepdims=True)
    extra = ((counts - mean) ** 2 - mean).sum(keepdims=True)
    return float(1.0 / (1.0 + np.sqrt(certain_spread(extra, 2.0 * square + mean.sum(), square)[0])))


@pytest.mark.parametrize(("mean", "most"), [(3.0, 0.75), (400.0, 1.0)])
def test_poisson_counts_are_as_even_as_they_can_show(mean, most):
    rng = np.random.default_rng(5)
    counts = rng.poisson(mean, 8).astype(np.float64)
    found = evenness(counts)
    assert found <= most
    assert (found > 0.9) == (mean > 100)


def test_people_are_uneven():
    counts = np.random.default_rng(6).lognormal(3.0, 1.2, 40).round()
    assert evenness(counts) < 0.6
