"""Evolved prompts: every request is paraphrased and re-templated, so that no two of them share a wording."""

import numpy as np

from detector.simulator.campaigns.base import Plan, campaign, recruit, scheduled, wrap
from detector.simulator.population.clients import own_styles
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.texts.wrapper import reworded
from detector.simulator.traffic import Setting, Traffic


@campaign("evolved_prompts")
def evolved_prompts(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """One scheduler and one work queue, but a wording for each request and a length habit for each account."""
    crowd = recruit(rng, setting, plan)
    a = scheduled(rng, setting, plan, 18.0)
    n = a.ts.size
    prompt, system, wrapper = wrap(rng, "reasoning", tasks.mixed(rng, n))
    prompt, system, wrapper = reworded(rng, wrapper, np.arange(n), np.ones(n, np.bool_), prompt, system)
    return [Traffic(crowd, a, prompt, system, *own_styles(rng, a.account, plan.accounts))]
