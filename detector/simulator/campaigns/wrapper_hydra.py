"""Hydra without shared infrastructure: nothing in common but the wrapper and the task list."""

from detector.simulator.campaigns.base import Plan, campaign, recruit, scheduled
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng, wrapped
from detector.simulator.texts.wrapper import Wrapper
from detector.simulator.traffic import Setting, Traffic


@campaign("wrapper_hydra")
def wrapper_hydra(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """Unrelated accounts, payers and networks; synthesis from seeds."""
    crowd = recruit(rng, setting, plan)
    a = scheduled(rng, setting, plan, 24.0)
    before, after = wrappers.synthesis(rng)
    items = tasks.mixed(rng, a.ts.size)
    prompt = wrapped(before, items, after)
    return [Traffic(crowd, a, prompt, None, *one_style(rng, a.ts.size), wrapper=Wrapper("synthesis", items))]
