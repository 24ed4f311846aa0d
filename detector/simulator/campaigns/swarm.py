"""Swarm: thousands of accounts in the reports, about four requests each, then never seen again."""

import numpy as np

from detector.simulator.accounts import DAY_S
from detector.simulator.arrivals import Arrivals
from detector.simulator.campaigns.base import Plan, campaign, recruit, span
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng, wrapped
from detector.simulator.texts.wrapper import Wrapper
from detector.simulator.traffic import Setting, Traffic


@campaign("swarm")
def swarm(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """All within the campaign's days, each account within an hour of its own."""
    crowd = recruit(rng, setting, plan)
    n = np.maximum(rng.poisson(plan.per_day, plan.accounts), 1)
    account = np.repeat(np.arange(plan.accounts), n)
    begin = rng.random(plan.accounts) * span(setting, plan)
    ts = setting.start + (plan.start_day + begin[account]) * DAY_S + rng.random(account.size) * 3600.0
    ts = np.minimum(ts, setting.start + setting.days * DAY_S - 1.0)
    a = Arrivals(account, ts, np.arange(account.size), np.zeros(account.size, np.int64))
    before, after = wrappers.reasoning(rng)
    items = tasks.mixed(rng, a.ts.size)
    prompt = wrapped(before, items, after)
    return [Traffic(crowd, a, prompt, None, *one_style(rng, a.ts.size), wrapper=Wrapper("reasoning", items))]
