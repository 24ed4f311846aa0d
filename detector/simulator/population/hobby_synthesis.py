"""People who make a few examples for a small model of their own."""

import numpy as np
import polars as pl

from detector.simulator.accounts import draw_accounts
from detector.simulator.arrivals import renewal
from detector.simulator.population.base import innocent
from detector.simulator.population.clients import own_styles
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@innocent("hobby_synthesis")
def hobby_synthesis(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """People who make a few examples for a small model of their own, each in words that no campaign uses."""
    crowd = draw_accounts(rng, n, setting.start, "hobby_synthesis")
    count = np.maximum(rng.lognormal(2.6, 0.7, n) * setting.days / 7.0, 2).astype(np.int64)
    a = renewal(rng, count, np.full(n, 0.6), np.full(n, 0.05), setting.start, setting.days)
    pairs = [wrappers.hobby(rng) for _ in range(n)]
    before, after = (pl.Series([p[k] for p in pairs]).gather(a.account) for k in (0, 1))
    text = pl.DataFrame({"b": before, "m": tasks.mixed(rng, a.ts.size), "a": after}).select(
        pl.concat_str("b", "m", "a").alias("t")
    )["t"]
    return [Traffic(crowd, a, text, None, *own_styles(rng, a.account, n))]
