"""Classification and extraction over big volumes."""

import numpy as np
import polars as pl

from detector.simulator.population.base import innocent
from detector.simulator.population.clients import tokens
from detector.simulator.population.companies import arrive
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@innocent("batch")
def batch(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """Classification and extraction over big volumes: one template in the prompt, documents in it, short answers."""
    crowd, clients, a = arrive(rng, setting, n, 120.0, "batch")
    forms = [wrappers.framework_prompt(rng) for _ in range(max(2, n // 2))]
    heads = pl.Series([forms[int(i)] for i in rng.integers(0, len(forms), n)]).gather(a.account)
    text = pl.DataFrame({"h": heads, "d": tasks.document(rng, a.ts.size)}).select(
        pl.concat_str("h", pl.lit("\n"), "d", pl.lit("\nLabel:")).alias("t")
    )["t"]
    out = np.minimum(tokens(rng, clients[a.account], 1), 40)
    return [Traffic(crowd, a, text, None, None, out)]
