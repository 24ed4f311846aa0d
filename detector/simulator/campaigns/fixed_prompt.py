"""Fixed injected system prompt: one text in every request of many accounts."""

import polars as pl

from detector.simulator.campaigns.base import Plan, campaign, recruit, scheduled
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng
from detector.simulator.texts.wrapper import Wrapper
from detector.simulator.traffic import Setting, Traffic


@campaign("fixed_prompt")
def fixed_prompt(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """The wrapper is the system prompt; the user turn is the bare item."""
    crowd = recruit(rng, setting, plan)
    a = scheduled(rng, setting, plan, 12.0)
    before, after = wrappers.reasoning(rng)
    system = pl.Series([before + after]).new_from_index(0, a.ts.size)
    items = tasks.mixed(rng, a.ts.size)
    wrapper = Wrapper("reasoning", items, system=True)
    return [Traffic(crowd, a, items, system, *one_style(rng, a.ts.size), wrapper=wrapper)]
