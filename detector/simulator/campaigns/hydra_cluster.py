"""Hydra cluster: a proxy network whose accounts are banned one by one, each replaced at once, all relaying customers too."""

import numpy as np

from detector.simulator.accounts import DAY_S
from detector.simulator.arrivals import sessions
from detector.simulator.campaigns.base import Plan, campaign, handed_over, recruit, span, wrap
from detector.simulator.population.clients import one_style
from detector.simulator.population.humans import human_lengths, human_texts
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic

_LIVES = 3  # accounts that fill one place one after the other
_TURNS = 2.6


@campaign("hydra_cluster")
def hydra_cluster(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """Places of three accounts each; `dilution` of the requests are unrelated customers'."""
    whole = span(setting, plan)
    life = whole / _LIVES
    turn = np.arange(plan.accounts) % _LIVES
    begin = np.clip(turn * life + rng.normal(0.0, 0.15 * life, plan.accounts) * (turn > 0), 0.0, whole - life)
    crowd = recruit(rng, setting, plan)
    # A replacement was waiting for some days only.
    waited = rng.uniform(0.5, 12.0, plan.accounts)
    born = setting.start + (plan.start_day + begin - waited) * DAY_S
    made = np.where(turn > 0, np.minimum(born, setting.start - 3600.0), crowd.frame["created_at"].to_numpy())
    crowd = crowd.set(created_at=np.round(made, 3))
    own = handed_over(rng, setting, plan, begin, life)
    prompt, system, wrapper = wrap(rng, "synthesis", tasks.mixed(rng, own.ts.size))
    attack = Traffic(crowd, own, prompt, system, *one_style(rng, own.ts.size), wrapper=wrapper)
    if plan.dilution <= 0.0:
        return [attack]
    share = plan.dilution / max(1.0 - plan.dilution, 0.01)
    many = rng.poisson(plan.per_day * life * share / _TURNS, plan.accounts).astype(np.int64)
    cover = sessions(
        rng, many, crowd.frame["_zone"].to_numpy(), _TURNS, setting.start + plan.start_day * DAY_S, max(life, 1.0)
    )
    ts = np.minimum(cover.ts + begin[cover.account] * DAY_S, setting.start + setting.days * DAY_S - 1.0)
    cover = cover._replace(ts=ts, session=cover.session + own.ts.size)
    text = human_texts(rng, cover.turn)
    n = cover.ts.size
    nobody, everybody = np.zeros(n, np.bool_), np.ones(n, np.bool_)
    lengths = human_lengths(rng, cover, text)
    return [attack, Traffic(crowd, cover, text, None, *lengths, attack=nobody, relayed=everybody)]
