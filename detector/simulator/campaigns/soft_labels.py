"""Single heavy harvester of soft labels: log-probabilities of short answers to everything."""

from detector.simulator.accounts import DAY_S
from detector.simulator.arrivals import paced
from detector.simulator.campaigns.base import Plan, campaign, counts, recruit, span
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@campaign("soft_labels")
def soft_labels(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """`top_logprobs` is what it is after, so it is set on every request."""
    crowd = recruit(rng, setting, plan).set(_top_logprobs=20)
    n = counts(rng, plan, span(setting, plan), 0.02)
    a = paced(rng, n, 0.35, setting.start + plan.start_day * DAY_S, span(setting, plan))
    return [Traffic(crowd, a, tasks.mixed(rng, a.ts.size), None, *one_style(rng, a.ts.size))]
