"""Consented resellers: many people in one account."""

import numpy as np
import polars as pl

from detector.simulator.accounts import draw_accounts
from detector.simulator.arrivals import sessions
from detector.simulator.population.base import innocent
from detector.simulator.population.humans import human_lengths, human_texts
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@innocent("reseller", at_once=40)
def reseller(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """Consented resellers: many people in one account."""
    crowd = draw_accounts(rng, n, setting.start, "reseller").set(_users=400, tier="scale")
    crowd = crowd.set(allowances=pl.Series([["reseller"]] * n))
    a = sessions(
        rng,
        np.full(n, int(90 * setting.days)),
        rng.choice((-5, 0, 3), n).astype(float),
        3.4,
        setting.start,
        setting.days,
    )
    prompt = human_texts(rng, a.turn)
    return [Traffic(crowd, a, prompt, None, *human_lengths(rng, a, prompt))]
