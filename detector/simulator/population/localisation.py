"""Agencies that translate and rewrite."""

import numpy as np

from detector.simulator.population.base import innocent
from detector.simulator.population.companies import arrive, placed
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@innocent("localisation")
def localisation(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """Agencies that translate and rewrite for a living: long answers, nothing followed up."""
    crowd, _, a = arrive(rng, setting, n, 90.0, "localisation")
    own = [f"Translate and adapt the text for our readers. {wrappers.product_system(rng)}" for _ in range(n)]
    system, prompt = placed(rng, own, tasks.document(rng, a.ts.size), a.account)
    size = (prompt.str.len_bytes().to_numpy() / 4).astype(np.int64)
    reply = np.maximum(size * rng.lognormal(0.1, 0.25, size.size), 3).astype(np.int64)
    return [Traffic(crowd, a, prompt, system, None, reply)]
