"""Bots that review changes of code."""

import numpy as np
import polars as pl

from detector.simulator.population.base import innocent
from detector.simulator.population.clients import tokens
from detector.simulator.population.companies import arrive
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@innocent("ci_review")
def ci_review(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """A bot on each change of a repository."""
    crowd, clients, a = arrive(rng, setting, n, 60.0, "ci_review")
    own = [f"Review the change below for {wrappers.product_system(rng)}" for _ in range(n)]
    return [
        Traffic(
            crowd,
            a,
            tasks.code(rng, a.ts.size),
            pl.Series(own).gather(a.account),
            tokens(rng, clients[a.account], 0) + 600,
            np.minimum(tokens(rng, clients[a.account], 1) + 120, 900),
        )
    ]
