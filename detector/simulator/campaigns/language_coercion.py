"""Reasoning-language coercion: the language of the hidden reasoning is fixed to the user's, over many sorts of tasks."""

from detector.simulator.campaigns.base import Plan, campaign, recruit, scheduled, wrap
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@campaign("language_coercion")
def language_coercion(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """The order stands in the system prompt, the task in the user turn."""
    crowd = recruit(rng, setting, plan)
    a = scheduled(rng, setting, plan, 15.0)
    prompt, system, wrapper = wrap(rng, "coercion", tasks.mixed(rng, a.ts.size), system=True)
    return [Traffic(crowd, a, prompt, system, *one_style(rng, a.ts.size), wrapper=wrapper)]
