"""The stated share of false alerts: over a week of looks, over accounts and clusters together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.scoring.severity import FALSE_DISCOVERY, NONE, SEVERITIES, severities

HIGH = SEVERITIES.index("high")


def rejected(p):
    return severities(p, p, p.size) >= HIGH


@given(st.data(), st.integers(1, 40), st.integers(1, 6))
def test_all_looks_together_reject_no_more_than_one_at_the_smallest_p_values(data, entities, looks):
    each = st.lists(st.sampled_from([1.0, 0.3, 1e-2, 4e-3, 1e-3, 2e-4, 1e-5]), min_size=entities, max_size=entities)
    p = np.array([data.draw(each) for _ in range(looks)])
    ever = np.array([rejected(row) for row in p]).any(axis=0)
    assert (ever <= rejected(p.min(axis=0))).all()


@pytest.mark.parametrize("hostile", [0, 3, 30])
def test_a_simulated_month_keeps_the_promise(hostile):
    """Weeks of looks at 2,000 accounts and 200 clusters; p-values are of the highest score so far, which rises through the week."""
    rng, weeks, false, kept = np.random.default_rng(hostile), 1_200, 0.0, 0
    for _ in range(weeks):
        wrong = right = 0
        for n in (2_000, 200):
            null = rng.random(n)
            week = np.concatenate([null, rng.random(hostile) * 1e-6])
            looks = week[None, :] ** (np.arange(1, 6)[:, None] / 5)  # a smaller one at each look
            ever = np.array([rejected(look) for look in looks]).any(axis=0)
            wrong, right = wrong + int(ever[:n].sum()), right + int(ever[n:].sum())
        false += wrong / max(wrong + right, 1)
        kept += right
    rate = FALSE_DISCOVERY["high"]
    assert false / weeks <= rate + 3 * np.sqrt(rate * (1 - rate) / weeks)
    assert kept == 2 * hostile * weeks


def test_nothing_is_said_of_what_is_ordinary():
    assert (severities(np.full(50, 0.4), np.full(50, 0.4), 50) == NONE).all()
