"""What companies have in common: they ask like clients of the table, and put instructions where they like."""

import numpy as np
import polars as pl

from detector.simulator.accounts import Crowd, draw_accounts
from detector.simulator.arrivals import I64, Arrivals, renewal
from detector.simulator.population.clients import draw_clients, table, volumes
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting

_OUTSIDE = 0.4  # share of products that send their instructions in the prompt itself


def arrive(rng: Rng, setting: Setting, n: int, median: float, kind: str) -> tuple[Crowd, I64, Arrivals]:
    """(accounts, their rows in the table of clients, their requests)."""
    crowd = draw_accounts(rng, n, setting.start, kind)
    clients = draw_clients(rng, n)
    facts = table()[0][clients]
    count = volumes(rng, clients, setting.days, median)
    shape, active = np.clip(facts[:, 2], 0.2, 2.5), np.clip(facts[:, 1], 0.04, 1.0)
    return crowd, clients, renewal(rng, count, shape, active, setting.start, setting.days)


def placed(rng: Rng, texts: list[str], items: pl.Series, account: I64) -> tuple[pl.Series, pl.Series]:
    """(system prompt, prompt): some products put their instructions before the item and send no system prompt."""
    outside = pl.Series(rng.random(len(texts)) < _OUTSIDE).gather(account)
    own = pl.Series(texts).gather(account)
    frame = pl.DataFrame({"o": outside, "s": own, "i": items}).select(
        pl.when("o").then(None).otherwise(pl.col("s")).alias("system"),
        pl.when("o").then(pl.concat_str("s", pl.lit("\n\n"), "i")).otherwise(pl.col("i")).alias("prompt"),
    )
    return frame["system"], frame["prompt"]
