"""Agentic harvest: long software tasks worked through in loops of tool results, over unrelated accounts."""

from dataclasses import replace

import numpy as np
import polars as pl

from detector.simulator.accounts import DAY_S
from detector.simulator.arrivals import Arrivals, counter
from detector.simulator.campaigns.base import Plan, campaign, recruit, scheduled, wrap
from detector.simulator.habits import offer_tools
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng, wrapped
from detector.simulator.traffic import Setting, Traffic

_LOOP = 6.0  # requests of a task, on average


@campaign("agentic_harvest")
def agentic_harvest(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """Each task is wrapped when it begins; later turns return what a tool said."""
    crowd = recruit(rng, setting, plan)
    begun = scheduled(rng, setting, plan, 24.0)
    length = rng.geometric(1.0 / _LOOP, begun.ts.size)
    # The load is that of the plan: as many tasks are begun as give it with their loops.
    task = np.repeat(np.arange(begun.ts.size), length)
    keep = np.isin(task, np.flatnonzero(rng.random(begun.ts.size) < 1.0 / _LOOP))
    task, turn = task[keep], counter(length)[keep]
    ts = begun.ts[task] + turn * rng.lognormal(3.2, 0.5, task.size)
    inside = ts < setting.start + setting.days * DAY_S
    task, turn, ts = task[inside], turn[inside], ts[inside]
    a = Arrivals(begun.account[task], ts, task, turn)
    opening = turn == 0
    prompt, _, wrapper = wrap(rng, "agentic", tasks.code(rng, ts.size))
    later = wrapped("Output of the last call:\n", tasks.document(rng, ts.size))
    prompt = prompt.zip_with(pl.Series(opening), later)
    more = offer_tools(rng, a.account, np.ones(plan.accounts, np.bool_))
    wrapper = replace(wrapper, bare=~opening)
    return [Traffic(crowd, a, prompt, None, *one_style(rng, ts.size), columns=more, wrapper=wrapper)]
