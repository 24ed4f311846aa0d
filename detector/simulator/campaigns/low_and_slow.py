"""Low and slow: a few requests a day and account, around the clock, nothing shared but the wrapper."""

from detector.simulator.arrivals import sessions
from detector.simulator.campaigns.base import Plan, campaign, counts, recruit, span
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng, wrapped
from detector.simulator.texts.wrapper import Wrapper
from detector.simulator.traffic import Setting, Traffic


@campaign("low_and_slow")
def low_and_slow(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """Accounts far below any limit."""
    crowd = recruit(rng, setting, plan)
    n = counts(rng, plan, span(setting, plan), 0.2)
    a = sessions(rng, n, crowd.frame["_zone"].to_numpy(), 1.02, setting.start, setting.days)
    before, after = wrappers.reasoning(rng)
    items = tasks.mixed(rng, a.ts.size)
    prompt = wrapped(before, items, after)
    return [
        Traffic(
            crowd,
            a._replace(turn=a.turn * 0),
            prompt,
            None,
            *one_style(rng, a.ts.size),
            wrapper=Wrapper("reasoning", items),
        )
    ]
