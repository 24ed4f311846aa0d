"""Synchronised hydra: step-by-step reasoning over many accounts, few payment means, one scheduler."""

from detector.simulator.campaigns.base import Plan, campaign, recruit, scheduled
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng, wrapped
from detector.simulator.texts.wrapper import Wrapper
from detector.simulator.traffic import Setting, Traffic


@campaign("reasoning_hydra")
def reasoning_hydra(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """One card for about five accounts."""
    crowd = recruit(rng, setting, plan)
    cards = crowd.frame["payment_fingerprint"].gather(rng.integers(0, max(1, plan.accounts // 5), plan.accounts))
    a = scheduled(rng, setting, plan, 11.0)
    before, after = wrappers.reasoning(rng)
    items = tasks.maths(rng, a.ts.size)
    prompt = wrapped(before, items, after)
    return [
        Traffic(
            crowd.set(payment_fingerprint=cards),
            a,
            prompt,
            None,
            *one_style(rng, a.ts.size),
            wrapper=Wrapper("reasoning", items),
        )
    ]
