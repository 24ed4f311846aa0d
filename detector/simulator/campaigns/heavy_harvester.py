"""Single heavy harvester: one program that works through a question list at a limit of requests a minute."""

import numpy as np

from detector.simulator.accounts import DAY_S
from detector.simulator.arrivals import Arrivals, paced
from detector.simulator.campaigns.base import Plan, campaign, counts, recruit, span, wrap
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic

_SAMPLES = 4  # of each question, at once
_RETRY_S = 20.0  # fixed sleep before the questions that failed are asked again
_RETRIED = 0.03


@campaign("heavy_harvester")
def heavy_harvester(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """Each question is asked four times within seconds; a pace is held; what failed comes again after a fixed sleep."""
    crowd = recruit(rng, setting, plan)
    questions = np.maximum(counts(rng, plan, span(setting, plan), 0.02) // _SAMPLES, 1)
    start = setting.start + plan.start_day * DAY_S
    each = paced(rng, questions, 0.02, start, span(setting, plan))
    row = np.repeat(np.arange(each.ts.size), _SAMPLES)
    again = np.flatnonzero(rng.random(row.size) < _RETRIED)
    ts = np.r_[each.ts[row] + rng.exponential(2.0, row.size), each.ts[row][again] + _RETRY_S]
    row = np.r_[row, row[again]]
    inside = ts < setting.start + setting.days * DAY_S
    row, ts = row[inside], ts[inside]
    a = Arrivals(each.account[row], ts, np.arange(ts.size), np.zeros(ts.size, np.int64))
    prompt, system, wrapper = wrap(rng, "reasoning", tasks.mixed(rng, each.ts.size).gather(row))
    return [Traffic(crowd, a, prompt, system, *one_style(rng, ts.size), wrapper=wrapper)]
