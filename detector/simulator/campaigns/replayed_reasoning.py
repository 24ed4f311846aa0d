"""Replayed reasoning artefacts: signed blocks of hidden reasoning are presented again in sessions and accounts of others."""

import numpy as np
import polars as pl

from detector.simulator.accounts import DAY_S
from detector.simulator.arrivals import sessions
from detector.simulator.artefacts import names
from detector.simulator.campaigns.base import Plan, campaign, counts, recruit, scheduled, span, wrap
from detector.simulator.population.clients import one_style
from detector.simulator.population.humans import human_lengths, human_texts
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic

_POOL = 3  # artefacts for each account


@campaign("replayed_reasoning")
def replayed_reasoning(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """The attack's requests present artefacts of a common pool; `dilution` of all requests are relayed customers'."""
    crowd = recruit(rng, setting, plan).set(_reasoning=0.9)
    a = scheduled(rng, setting, plan, 20.0)
    pool = min(_POOL * plan.accounts, a.ts.size)
    source = rng.choice(a.ts.size, pool, replace=False)
    issued = names(crowd.frame["account_id"].gather(a.account[source]), a.session[source], a.turn[source])
    # Nothing can be presented before it was issued.
    order = np.argsort(a.ts[source])
    issued, since = issued.gather(order), a.ts[source][order]
    known = np.searchsorted(since, a.ts)
    shown = pl.DataFrame({"x": issued.gather((rng.random(a.ts.size) * known).astype(np.int64)), "k": known > 0})
    refs = shown.select(pl.when("k").then(pl.concat_list("x")).alias("x"))["x"]
    prompt, system, wrapper = wrap(rng, "agentic", tasks.code(rng, a.ts.size))
    columns = {"reasoning_refs_in": refs} if setting.artefacts else {}
    own = Traffic(crowd, a, prompt, system, *one_style(rng, a.ts.size), columns=columns, wrapper=wrapper)
    if plan.dilution <= 0.0:
        return [own]
    relayed = np.maximum(
        counts(rng, plan, span(setting, plan)) * plan.dilution / max(1.0 - plan.dilution, 0.01) / 2.6, 1
    )
    cover = sessions(
        rng,
        relayed.astype(np.int64),
        crowd.frame["_zone"].to_numpy(),
        2.6,
        setting.start + plan.start_day * DAY_S,
        span(setting, plan),
    )
    cover = cover._replace(session=cover.session + a.ts.size)
    text = human_texts(rng, cover.turn)
    n = cover.ts.size
    nobody, everybody = np.zeros(n, np.bool_), np.ones(n, np.bool_)
    lengths = human_lengths(rng, cover, text)
    return [own, Traffic(crowd, cover, text, None, *lengths, attack=nobody, relayed=everybody)]
