"""Laws of the world: products ask at the rates, in the bursts and with the token lengths of real clients."""

import math

import numpy as np
import pytest

from detector.simulator.arrivals import renewal
from detector.simulator.population import INNOCENTS
from detector.simulator.population.clients import draw_clients, table, tokens, volumes
from detector.simulator.traffic import Setting

SETTING = Setting(1772409600.0, 7.0, "sage-3", "sage-embed-1")
PRODUCTS = 3_000
FACTS, QUANTILES, LEVELS = table()
PER_DAY, ACTIVE, SHAPE = FACTS.T


def gaps(a, n):
    """Gaps between requests of each account, where there are at least twenty, and how many there are."""
    order = np.lexsort((a.ts, a.account))
    ts = np.split(a.ts[order], np.cumsum(np.bincount(a.account, minlength=n))[:-1])
    return [np.diff(each) for each in ts if each.size >= 20]


def variation(each):
    return each.std() / each.mean()


@pytest.fixture(scope="module")
def crowd():
    (traffic,) = INNOCENTS["product"](np.random.default_rng(1), SETTING, PRODUCTS)
    return traffic


def test_rates_are_the_tables_drawn_together():
    rng = np.random.default_rng(2)
    clients = draw_clients(rng, 20_000)
    asked, real = np.log(volumes(rng, clients, 7.0)), np.log(PER_DAY[clients])
    slope, _ = np.polyfit(real, asked, 1)
    # A week of a small world: busy clients are as much busier as the root of their rates.
    assert slope == pytest.approx(0.55, abs=0.03)
    assert np.std(asked - slope * real) == pytest.approx(0.5, abs=0.05)
    assert np.median(np.exp(asked)) == pytest.approx(35, rel=0.1)


def test_few_products_ask_most(crowd):
    asked = np.sort(np.bincount(crowd.arrivals.account, minlength=PRODUCTS))[::-1]
    spread = math.sqrt(0.55**2 * np.log(PER_DAY).var() + 0.5**2)
    assert np.log(asked).std() == pytest.approx(spread, rel=0.1)
    # The busiest tenth of the table's clients make three quarters of its requests; drawn together, still about half.
    assert 0.4 < asked[: PRODUCTS // 10].sum() / asked.sum() < 0.6


def test_gaps_are_as_bursty_as_the_clients():
    shape, n = np.clip(SHAPE, 0.2, 2.5), 3_000
    a = renewal(np.random.default_rng(3), np.full(shape.size, n), shape, np.ones(shape.size), 0.0, 7.0)
    law = [math.sqrt(math.gamma(1 + 2 / k) / math.gamma(1 + 1 / k) ** 2 - 1) for k in shape]
    ratio = np.array([variation(each) for each in gaps(a, shape.size)]) / law
    assert np.median(ratio) == pytest.approx(1, abs=0.05)
    assert np.quantile(ratio, (0.1, 0.9)) == pytest.approx((1, 1), abs=0.2)


def test_products_are_as_bursty_as_real_clients_by_the_rate(crowd):
    each = gaps(crowd.arrivals, PRODUCTS)
    cv, weight = np.array([variation(g) for g in each]), np.array([g.size for g in each])
    order = np.argsort(cv)
    share = np.cumsum(weight[order]) / weight.sum()
    median, high = (cv[order][np.searchsorted(share, q)] for q in (0.5, 0.95))
    # Of real clients the median is about 1.2 to 2, the 95th percentile 10 and more: a week of few requests shows less of it.
    assert 1.2 < median < 2.4
    assert high > 4


def test_clients_are_active_for_the_share_of_hours_that_the_table_says():
    share, n = np.clip(ACTIVE, 0.04, 1.0), 3_000
    a = renewal(np.random.default_rng(4), np.full(share.size, n), np.ones(share.size), share, 0.0, 7.0)
    hours = np.array([np.unique(a.ts[a.account == k] // 3600.0).size for k in range(share.size)]) / (7 * 24)
    # A request's phase within its hour may fall into the next one.
    assert (hours >= np.floor(share * 168) / 168 - 1e-9).all()
    assert (hours <= 2 * share + 1e-9).all()


@pytest.mark.parametrize("side", [0, 1])
def test_token_lengths_have_the_quantiles_of_the_client(side):
    clients = np.repeat(np.arange(PER_DAY.size), 4_000)
    drawn = tokens(np.random.default_rng(5), clients, side).reshape(PER_DAY.size, -1)
    known = QUANTILES[:, side, 1:-1]
    got = np.quantile(drawn, LEVELS[1:-1], axis=1).T
    # In shares of draws, for quantiles of a client that always sends the same lie on one another.
    below = (drawn[:, None, :] <= known[:, :, None]).mean(axis=2)
    strictly = (drawn[:, None, :] < np.floor(known)[:, :, None]).mean(axis=2)
    assert (below >= LEVELS[1:-1] - 0.05).all()
    assert (strictly <= LEVELS[1:-1] + 0.05).all()
    assert np.median(got / np.maximum(known, 1)) == pytest.approx(1, abs=0.02)


def test_lengths_travel_with_the_rate(crowd):
    asked = np.bincount(crowd.arrivals.account, minlength=PRODUCTS)
    busy = np.flatnonzero(asked >= 100)
    middle = {k: np.median(crowd.input_tokens[crowd.arrivals.account == k]) for k in busy[:150]}
    # Each product has lengths of its own: between them they spread as much as the table's do.
    real = np.log(QUANTILES[:, 0, 3])
    assert np.log(list(middle.values())).std() == pytest.approx(real.std(), rel=0.3)
