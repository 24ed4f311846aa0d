"""Customers whose contract permits distillation."""

import numpy as np
import polars as pl

from detector.simulator.accounts import draw_accounts
from detector.simulator.arrivals import paced
from detector.simulator.population.base import innocent
from detector.simulator.population.clients import own_styles
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@innocent("sanctioned_distillation", at_once=40)
def sanctioned(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """Customers whose contract permits distillation; for every second one, nobody has recorded the allowance."""
    crowd = draw_accounts(rng, n, setting.start, "sanctioned_distillation").set(tier="scale")
    known = [["distillation"] if i % 2 == 0 else [] for i in range(n)]
    crowd = crowd.set(allowances=pl.Series(known, dtype=pl.List(pl.String)))
    count = np.maximum(rng.lognormal(np.log(300.0), 0.5, n) * setting.days, 1).astype(np.int64)
    a = paced(rng, count, 0.3, setting.start, setting.days)
    pairs = [wrappers.licensed(rng) for _ in range(n)]
    before, after = (pl.Series([p[k] for p in pairs]).gather(a.account) for k in (0, 1))
    text = pl.select(pl.concat_str(before, tasks.mixed(rng, a.ts.size), after).alias("t"))["t"]
    return [Traffic(crowd, a, text, None, *own_styles(rng, a.account, n))]
