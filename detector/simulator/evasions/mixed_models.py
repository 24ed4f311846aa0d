"""Mixed models: the harvest is spread over all models that the provider offers."""

from dataclasses import replace

import numpy as np
import polars as pl

from detector.simulator.evasions.base import Evasion, evasion, own_requests
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic, models, on_offer


@evasion("mixed_models")
class MixedModels(Evasion):
    """`strength` of the requests go to any model that there is at their time."""

    def requests(self, rng: Rng, setting: Setting, traffic: Traffic, strength: float) -> list[Traffic]:
        """Other models."""
        if traffic.embeddings:
            return [traffic]
        ts = traffic.arrivals.ts
        names, since = on_offer(setting)
        # Models are in order of their launch: those there are at a time are the first ones.
        there = np.searchsorted(since, ts, side="right")
        drawn = pl.Series(names).gather((rng.random(ts.size) * there).astype(np.int64))
        mixed = pl.Series((rng.random(ts.size) < strength) & own_requests(traffic))
        usual = traffic.columns.get("model", models(rng, traffic, setting))
        return [replace(traffic, columns={**traffic.columns, "model": drawn.zip_with(mixed, usual)})]
