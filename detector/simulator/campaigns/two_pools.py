"""Two pools: one prompt injected into every request, relayed or not; the first pool is banned, a second takes all over."""

from dataclasses import replace

import polars as pl

from detector.simulator.campaigns.base import Plan, campaign, recruit, scheduled, span, wrap
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng
from detector.simulator.texts.wrapper import Wrapper
from detector.simulator.traffic import Setting, Traffic

_INJECTED = 0.7  # of the second pool's requests; the others are two other labs'
_LABS = (("agentic", tasks.tool_task), ("grading", tasks.answers))
_DISPOSABLE = ("mail.example.com", "post.example.org", "box.example.net")


@campaign("two_pools")
def two_pools(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """Networks and cards of their own and free mail in both pools; two other labs join in the second one."""
    end = plan.start_day + span(setting, plan)
    middle = (plan.start_day + end) / 2.0
    ban = next((day for day in setting.bans if plan.start_day < day < end), middle)
    half = plan.accounts // 2
    order = "".join(wrappers.reasoning(rng))
    first = replace(plan, accounts=half, days=ban - plan.start_day)
    second = replace(plan, accounts=plan.accounts - half, start_day=ban + 0.02, days=end - ban - 0.02)
    return [*_pool(rng, setting, first, order, 1.0), *_pool(rng, setting, second, order, _INJECTED)]


def _pool(rng: Rng, setting: Setting, plan: Plan, order: str, share: float) -> list[Traffic]:
    mail = pl.Series(_DISPOSABLE).gather(rng.integers(0, len(_DISPOSABLE), plan.accounts))
    crowd = recruit(rng, setting, plan).set(signup_email_domain=mail)
    a = scheduled(rng, setting, replace(plan, per_day=plan.per_day * share), 24.0)
    n = a.ts.size
    items, system = tasks.chat(rng, n), pl.Series([order]).new_from_index(0, n)
    wrapper = Wrapper("reasoning", items, system=True)
    out = [Traffic(crowd, a, items, system, *one_style(rng, n), wrapper=wrapper)]
    if share == 1.0:
        return out
    for kind, task in _LABS:
        other = scheduled(rng, setting, replace(plan, per_day=plan.per_day * (1.0 - share) / len(_LABS)), 24.0)
        other = other._replace(session=other.session + n)
        n += other.ts.size
        prompt, _, wrapper = wrap(rng, kind, task(rng, other.ts.size))
        out.append(Traffic(crowd, other, prompt, None, *one_style(rng, other.ts.size), wrapper=wrapper))
    return out
