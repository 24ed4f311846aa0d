"""Judge farm: the model as cleaner, judge and scorer of training data, accounts rotated."""

import numpy as np

from detector.simulator.accounts import DAY_S
from detector.simulator.arrivals import Arrivals
from detector.simulator.campaigns.base import Plan, campaign, counts, recruit, span
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng, wrapped
from detector.simulator.texts.wrapper import Wrapper
from detector.simulator.traffic import Setting, Traffic


@campaign("judge_farm")
def judge_farm(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """Each account works for about a third of the time, then the next one takes over."""
    crowd = recruit(rng, setting, plan)
    whole = span(setting, plan)
    begin = np.sort(rng.random(plan.accounts)) * whole * 0.67
    n = counts(rng, plan, whole / 3.0)
    account = np.repeat(np.arange(plan.accounts), n)
    ts = setting.start + (plan.start_day + begin[account] + rng.random(account.size) * whole / 3.0) * DAY_S
    a = Arrivals(account, ts, np.arange(account.size), np.zeros(account.size, np.int64))
    before, after = wrappers.grading(rng)
    items = tasks.answers(rng, a.ts.size)
    prompt = wrapped(before, items, after)
    return [Traffic(crowd, a, prompt, None, *one_style(rng, a.ts.size), wrapper=Wrapper("grading", items))]
