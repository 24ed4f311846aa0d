"""A pool is banned and replaced at once: the traffic moves to accounts that were waiting."""

from dataclasses import replace

import numpy as np

from detector.simulator.accounts import DAY_S
from detector.simulator.arrivals import Arrivals, windowed
from detector.simulator.campaigns.base import Plan, campaign, counts, recruit, shifts, span
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng, wrapped
from detector.simulator.texts.wrapper import Wrapper
from detector.simulator.traffic import Setting, Traffic

_REFUSED = 12  # tries of a banned account before its owner gives up


@campaign("banned_pool")
def banned_pool(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """The first half works until the world's first ban, is refused, and the second half takes over within hours."""
    ban = setting.bans[0] if setting.bans else plan.start_day + span(setting, plan) / 2.0
    half = plan.accounts // 2
    before, after = wrappers.reasoning(rng)
    out = []
    for first, last, size in (
        (plan.start_day, ban, half),
        (ban + 0.05, plan.start_day + span(setting, plan), plan.accounts - half),
    ):
        part = replace(plan, accounts=size, start_day=first, days=last - first)
        crowd = recruit(rng, setting, part)
        a = windowed(
            rng, counts(rng, part, last - first), shifts(rng, setting, part, 24.0), setting.start, setting.days
        )
        items = tasks.code(rng, a.ts.size)
        prompt = wrapped(before, items, after)
        out.append(Traffic(crowd, a, prompt, None, *one_style(rng, a.ts.size), wrapper=Wrapper("reasoning", items)))
    out.append(_refused(rng, setting, out[0], ban, before, after))
    return out


def _refused(rng: Rng, setting: Setting, pool: Traffic, ban: float, before: str, after: str) -> Traffic:
    account = np.repeat(np.arange(pool.crowd.size), _REFUSED)
    ts = setting.start + ban * DAY_S + np.sort(rng.exponential(900.0, account.size))
    a = Arrivals(account, ts, np.arange(account.size), np.zeros(account.size, np.int64))
    items = tasks.code(rng, a.ts.size)
    prompt = wrapped(before, items, after)
    nothing = np.zeros(account.size, np.int64)
    refused = {"status": np.full(account.size, 403), "output_tokens": nothing, "reasoning_tokens": nothing}
    wrapper = Wrapper("reasoning", items)
    return Traffic(pool.crowd, a, prompt, None, None, nothing, nothing > 0, columns=refused, wrapper=wrapper)
