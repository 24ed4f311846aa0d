"""Health checks."""

import numpy as np
import polars as pl

from detector.simulator.accounts import draw_accounts
from detector.simulator.arrivals import paced
from detector.simulator.population.base import innocent
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic, reply_tokens


@innocent("monitor")
def monitor(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """Health checks."""
    crowd = draw_accounts(rng, n, setting.start, "monitor")
    count = np.full(n, int(120 * setting.days))
    a = paced(rng, count, 0.02, setting.start, setting.days)
    word = pl.Series(["ping", "hello", "are you there", "test 1"]).gather(rng.integers(0, 4, n)).gather(a.account)
    return [Traffic(crowd, a, word, None, None, reply_tokens(rng, a.ts.size, 8, 0.6))]
