"""Staff of one company, who share network, payer and assistant."""

import numpy as np
import polars as pl

from detector.simulator.accounts import DAY_S, draw_accounts
from detector.simulator.arrivals import sessions
from detector.simulator.population.base import innocent
from detector.simulator.population.humans import human_lengths, human_texts
from detector.simulator.population.shared import one_network, sizes, weekly
from detector.simulator.texts import wrappers
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@innocent("office", at_once=40)
def office(rng: Rng, setting: Setting, groups: int) -> list[Traffic]:
    """Staff of one company: one network, one payer, one internal assistant, joined when the company did."""
    out = []
    for size in sizes(rng, groups, 6, 60):
        crowd = one_network(rng, draw_accounts(rng, size, setting.start, "office"))
        joined = setting.start - rng.uniform(5, 500) * DAY_S + rng.exponential(20.0, size) * DAY_S
        crowd = crowd.set(
            payment_fingerprint=crowd.frame["payment_fingerprint"][0],
            org_id=crowd.frame["org_id"][0],
            signup_email_domain=f"{crowd.frame['org_id'][0].replace('_', '-')}.example",
            created_at=np.minimum(joined, setting.start - 3600.0),
            tier="scale",
            _zone=float(crowd.frame["_zone"][0]),
        )
        count = weekly(rng, 1.6, 0.9, size, setting.days, least=0.6)
        a = sessions(rng, count, crowd.frame["_zone"].to_numpy(), 2.2, setting.start, setting.days)
        prompt = human_texts(rng, a.turn)
        sent, received = human_lengths(rng, a, prompt)
        system = pl.Series([wrappers.office_system(rng)]).new_from_index(0, a.ts.size)
        out.append(Traffic(crowd, a, prompt, system, sent + 60, received))
    return out
