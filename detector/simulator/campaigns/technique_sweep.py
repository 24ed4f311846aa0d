"""Technique sweep: many wordings that may make hidden reasoning come out, each tried a little, then the best ones in bulk."""

import numpy as np
import polars as pl

from detector.simulator.campaigns.base import Plan, campaign, recruit, scheduled, span
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.texts.wrapper import Wrapper, around
from detector.simulator.texts.wrappers import pair
from detector.simulator.traffic import Setting, Traffic

_TECHNIQUES = 120
_WORKED = 2  # of them
_SWEEP = 0.35  # of the time
_KEPT = 0.5  # of the sweep's requests: it is slow, because each answer is looked at


@campaign("technique_sweep")
def technique_sweep(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """Exploration on all accounts, then exploitation."""
    crowd = recruit(rng, setting, plan)
    a = scheduled(rng, setting, plan, 18.0)
    scaled = a.ts > setting.start + (plan.start_day + _SWEEP * span(setting, plan)) * 86_400
    kept = scaled | (rng.random(a.ts.size) < _KEPT)
    a = a._replace(account=a.account[kept], ts=a.ts[kept], session=a.session[kept], turn=a.turn[kept])
    scaled = scaled[kept]
    technique = np.where(scaled, rng.integers(0, _WORKED, kept.sum()), rng.integers(0, _TECHNIQUES, kept.sum()))
    pairs = [pair(rng, "extraction") for _ in range(_TECHNIQUES)]
    before, after = (pl.Series([p[k] for p in pairs]).gather(technique) for k in (0, 1))
    items = tasks.maths(rng, a.ts.size)
    prompt = around(before, items, after)
    return [Traffic(crowd, a, prompt, None, *one_style(rng, a.ts.size), wrapper=Wrapper("extraction", items))]
