"""Rules and anomaly in one p-value: it holds however they depend, costs rules a twentieth, and strangers alone are named by few."""

import numpy as np
import pytest

from detector.scoring.combined import RULES, STRANGE, among, combined, of_rules
from detector.scoring.severity import FALSE_DISCOVERY, threshold

N = 100_000


@pytest.mark.parametrize("depend", ["not", "equal", "opposite"])
def test_p_values_of_both_are_no_smaller_than_they_say(depend):
    rng = np.random.default_rng(0)
    one = rng.random(N)
    other = {"not": rng.random(N), "equal": one, "opposite": 1 - one}[depend]
    p = combined(of_rules(one), other)
    for level in (0.1, 0.01, 0.001):
        assert (p <= level).mean() <= level + 4 * np.sqrt(level / N)


def test_rules_lose_a_twentieth_and_no_more():
    p = np.geomspace(1e-12, 1, 100)
    both = combined(of_rules(p), np.ones(100))
    assert RULES + STRANGE == 1
    assert (both <= p / 0.95 + 1e-15).all()
    assert (both >= p).all()


@pytest.mark.parametrize("strangers", [1.0, 0.3, 0.01])
@pytest.mark.parametrize("named", [0, 2_000, 20_000])
def test_whatever_traffic_does_few_are_named_for_strangeness_alone(strangers, named):
    rng = np.random.default_rng(1)
    rules = np.ones(N)
    rules[:named] = 1e-9
    strange = rng.random(N)
    strange[rng.random(N) < strangers] = 1e-4  # as strange as a null can tell: traffic of another kind
    p = combined(of_rules(rules), among(strange, strange))
    for rate in FALSE_DISCOVERY.values():
        limit = threshold(p, N, rate)
        alone = int(((p <= limit) & (rules == 1)).sum())
        assert alone <= STRANGE * rate * (named + alone), rate


def test_an_account_is_as_strange_as_the_null_says_where_traffic_is_as_it_was():
    p = np.random.default_rng(2).random(N)
    again = among(p, p)
    assert (again >= p).all()
    assert np.abs(again - p).max() < 0.005
