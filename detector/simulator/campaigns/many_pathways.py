"""Many access pathways: pools of varied accounts on the provider's own API and on cloud markets, each with its own work."""

from dataclasses import replace

from detector.simulator.accounts import DAY_S
from detector.simulator.campaigns.base import Plan, campaign, recruit, scheduled, span, wrap
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic

# (pathway, what is harvested there, wording around it)
_POOLS = (
    ("first_party", tasks.code, "reasoning"),
    ("market_a", tasks.tool_task, "agentic"),
    ("market_b", tasks.document, "synthesis"),
)
_LATER = 0.7  # of the campaign, after which all pools try to rebuild reasoning


@campaign("many_pathways")
def many_pathways(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """A third of the accounts on each pathway; in the last third of the time all of them ask for hidden reasoning."""
    out = []
    for i, (route, task, kind) in enumerate(_POOLS):
        size = plan.accounts * (i + 1) // len(_POOLS) - plan.accounts * i // len(_POOLS)
        if size == 0:
            continue
        part = replace(plan, accounts=size)
        crowd = recruit(rng, setting, part).set(_route=route)
        a = scheduled(rng, setting, part, 16.0)
        late = a.ts > setting.start + (plan.start_day + _LATER * span(setting, plan)) * DAY_S
        for rows, wording in ((~late, kind), (late, "extraction")):
            then = a._replace(account=a.account[rows], ts=a.ts[rows], session=a.session[rows], turn=a.turn[rows])
            prompt, system, wrapper = wrap(rng, wording, task(rng, then.ts.size))
            out.append(Traffic(crowd, then, prompt, system, *one_style(rng, then.ts.size), wrapper=wrapper))
    return [t for t in out if t.arrivals.ts.size]
