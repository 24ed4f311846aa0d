"""A distiller inside a consented reseller: a few of its many users harvest, under an account that may have many personas."""

import polars as pl

from detector.simulator.arrivals import windowed
from detector.simulator.campaigns.base import Plan, as_cover, campaign, counts, shifts, span, wrap
from detector.simulator.population import INNOCENTS
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic

_USERS = 5  # of the reseller, that are the distiller's


@campaign("inside_reseller")
def inside_reseller(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """`accounts` resellers; only the distiller's users are the attack."""
    out = []
    for cover in INNOCENTS["reseller"](rng, setting, plan.accounts):
        n = as_cover(cover, plan.name)
        a = windowed(
            rng, counts(rng, plan, span(setting, plan)), shifts(rng, setting, plan, 13.0), setting.start, setting.days
        )
        a = a._replace(session=a.session + n)
        prompt, system, wrapper = wrap(rng, "reasoning", tasks.maths(rng, a.ts.size))
        # Numbers as the other users have, the same ones every time.
        number = pl.Series(rng.integers(0, 400, _USERS)).gather(rng.integers(0, _USERS, a.ts.size))
        who = pl.DataFrame({"a": cover.crowd.frame["account_id"].gather(a.account), "k": number})
        users = who.select(pl.concat_str(pl.lit("user_"), pl.col("a").str.slice(5), pl.lit("_"), "k").alias("u"))["u"]
        mine = Traffic(
            cover.crowd, a, prompt, system, *one_style(rng, a.ts.size), columns={"end_user_id": users}, wrapper=wrapper
        )
        out += [cover, mine]
    return out
