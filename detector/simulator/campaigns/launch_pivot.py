"""Tool use with a pivot: within a day of a launch, most of the traffic is on the new model."""

import numpy as np
import polars as pl

from detector.simulator.accounts import networks
from detector.simulator.campaigns.base import Plan, campaign, recruit, scheduled
from detector.simulator.habits import offer_tools
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng, wrapped
from detector.simulator.texts.wrapper import Wrapper
from detector.simulator.traffic import Setting, Traffic


@campaign("launch_pivot")
def launch_pivot(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """A few networks of one provider; trajectories of tools."""
    crowd = recruit(rng, setting, plan)
    nets = networks(rng, max(1, plan.accounts // 4))
    mine = rng.integers(0, len(nets), plan.accounts)
    crowd = crowd.set(_network=pl.Series([[nets[int(i)]] * 4 for i in mine]), _places=1)
    a = scheduled(rng, setting, plan, 24.0)
    before, after = wrappers.agentic(rng)
    items = tasks.tool_task(rng, a.ts.size)
    prompt = wrapped(before, items, after)
    more = offer_tools(rng, a.account, np.ones(plan.accounts, np.bool_))
    adopts = rng.random(a.ts.size)
    return [
        Traffic(
            crowd,
            a,
            prompt,
            None,
            *one_style(rng, a.ts.size),
            columns=more,
            adopts=adopts,
            wrapper=Wrapper("agentic", items),
        )
    ]
