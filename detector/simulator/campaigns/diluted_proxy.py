"""Proxy network: relayed customers around the attack, in every account."""

import numpy as np
import polars as pl

from detector.simulator.accounts import DAY_S
from detector.simulator.arrivals import Arrivals, sessions, windowed
from detector.simulator.campaigns.base import Plan, campaign, counts, recruit, shifts, span
from detector.simulator.population.clients import one_style
from detector.simulator.population.humans import human_lengths, human_texts
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng
from detector.simulator.texts.wrapper import Wrapper, around
from detector.simulator.traffic import Setting, Traffic


@campaign("diluted_proxy")
def diluted_proxy(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """`dilution` of each account's requests are its customers'; the rest judges and scores for a training set."""
    crowd = recruit(rng, setting, plan)
    n = counts(rng, plan, span(setting, plan))
    own = windowed(rng, n, shifts(rng, setting, plan, 20.0), setting.start, setting.days)
    relayed = np.maximum(n * plan.dilution / max(1.0 - plan.dilution, 0.01) / 2.6, 1).astype(np.int64)
    cover = sessions(
        rng, relayed, crowd.frame["_zone"].to_numpy(), 2.6, setting.start + plan.start_day * DAY_S, span(setting, plan)
    )
    forms = [wrappers.grading(rng) for _ in range(3)]
    which = rng.integers(0, len(forms), own.ts.size)
    items = tasks.answers(rng, own.ts.size)
    before, after = (pl.Series([f[k] for f in forms]).gather(which) for k in (0, 1))
    relays = human_texts(rng, cover.turn)
    prompt = pl.concat([around(before, items, after), relays])
    a = Arrivals(*(np.concatenate(pair) for pair in zip(own, cover, strict=True)))
    attack = np.arange(a.ts.size) < own.ts.size
    sent, received = human_lengths(rng, a, prompt)
    own_sent, own_received = one_style(rng, own.ts.size)
    sent[attack], received[attack] = own_sent, own_received
    wrapper = Wrapper("grading", pl.concat([items, relays]))
    return [Traffic(crowd, a, prompt, None, sent, received, attack, relayed=~attack, wrapper=wrapper)]
