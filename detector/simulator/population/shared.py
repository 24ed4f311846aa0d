"""What groups have in common: a network, and how many they are."""

import numpy as np
import polars as pl

from detector.simulator.accounts import Crowd, networks
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import I64


def one_network(rng: Rng, crowd: Crowd) -> Crowd:
    """Everybody behind one /24."""
    net = networks(rng, 1)[0]
    return crowd.set(_network=pl.Series([[net] * 4] * crowd.size), _places=1)


def sizes(rng: Rng, groups: int, low: int, high: int) -> list[int]:
    """Members of each group, spread evenly over orders of magnitude."""
    return [int(x) for x in np.exp(rng.uniform(np.log(low), np.log(high), groups))]


def weekly(rng: Rng, middle: float, spread: float, n: int, days: float, least: float = 1.0) -> I64:
    """How often each of n accounts comes within some days, lognormal by the week; i64[n].

    Args:
        rng: source of chance.
        middle: log of the median of a week.
        spread: of the logarithm.
        n: accounts.
        days: length of the time.
        least: of each, before it is rounded.
    """
    return np.maximum(rng.lognormal(middle, spread, n) * days / 7.0, least).round().astype(np.int64)
