"""Users of an evaluation harness, who send the same public items."""

import numpy as np
import polars as pl

from detector.simulator.accounts import DAY_S, draw_accounts
from detector.simulator.arrivals import Arrivals
from detector.simulator.population.base import innocent
from detector.simulator.population.clients import one_style
from detector.simulator.population.shared import sizes
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@innocent("benchmark", at_once=40)
def benchmark(rng: Rng, setting: Setting, groups: int) -> list[Traffic]:
    """Users of an evaluation harness: the same public items again and again, from unrelated accounts."""
    out = []
    for size in sizes(rng, groups, 4, 24):
        crowd = draw_accounts(rng, size, setting.start, "benchmark").set(_temperature=0.0)
        items = tasks.mixed(rng, int(rng.integers(120, 400)))
        suffix = "\nThink step by step and put the final answer in a box." if rng.random() < 0.6 else ""
        runs = rng.integers(1, 4, size)
        begin = rng.random(size) * max(setting.days - 1.0, 0.2)
        account = np.repeat(np.arange(size), runs * items.len())
        place = np.concatenate([np.tile(np.arange(items.len()), r) for r in runs])
        ts = setting.start + begin[account] * DAY_S + rng.random(account.size) * 0.8 * DAY_S
        a = Arrivals(
            account,
            np.minimum(ts, setting.start + setting.days * DAY_S - 1),
            np.arange(account.size),
            np.zeros(account.size, np.int64),
        )
        prompt = pl.select(pl.concat_str(items.gather(place), pl.lit(suffix)).alias("t"))["t"]
        out.append(Traffic(crowd, a, prompt, None, *one_style(rng, account.size)))
    return out
