"""Rotated accounts: a few work at a time, each for a short while, and the next ones take over where they stop."""

import numpy as np

from detector.simulator.campaigns.base import Plan, campaign, handed_over, recruit, span, wrap
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic

_AT_ONCE = 0.2  # share of the accounts that work at a time


@campaign("rotated_accounts")
def rotated_accounts(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """One work queue, a steady total, shifts of accounts end to end."""
    crowd = recruit(rng, setting, plan)
    shift = span(setting, plan) * _AT_ONCE
    begin = np.floor(np.arange(plan.accounts) / max(plan.accounts * _AT_ONCE, 1.0)) * shift
    begin = np.clip(begin + rng.normal(0.0, 0.1 * shift, plan.accounts), 0.0, span(setting, plan) - shift)
    a = handed_over(rng, setting, plan, begin, shift)
    prompt, system, wrapper = wrap(rng, "synthesis", tasks.code(rng, a.ts.size))
    return [Traffic(crowd, a, prompt, system, *one_style(rng, a.ts.size), wrapper=wrapper)]
