"""What groups have in common: a network, and how many they are."""

import numpy as np
import polars as pl

from detector.simulator.accounts import Crowd, networks
from detector.simulator.texts.compose import Rng


def one_network(rng: Rng, crowd: Crowd) -> Crowd:
    """Everybody behind one /24."""
    net = networks(rng, 1)[0]
    return crowd.set(_network=pl.Series([[net] * 4] * crowd.size), _places=1)


def sizes(rng: Rng, groups: int, low: int, high: int) -> list[int]:
    """Members of each group, spread evenly over orders of magnitude."""
    return [int(x) for x in np.exp(rng.uniform(np.log(low), np.log(high), groups))]
