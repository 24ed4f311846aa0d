"""Students with one homework on one network."""

import numpy as np
import polars as pl

from detector.simulator.accounts import DAY_S, draw_accounts
from detector.simulator.arrivals import Arrivals
from detector.simulator.population.base import innocent
from detector.simulator.population.humans import human_lengths
from detector.simulator.population.shared import one_network, sizes
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@innocent("class", at_once=40)
def university_class(rng: Rng, setting: Setting, groups: int) -> list[Traffic]:
    """Students: one network, sign-ups together, one homework of a few questions, on the same evenings."""
    out = []
    for size in sizes(rng, groups, 12, 80):
        crowd = one_network(rng, draw_accounts(rng, size, setting.start, "class"))
        born = setting.start - rng.uniform(1, 90) * DAY_S + rng.random(size) * 2 * DAY_S
        crowd = crowd.set(
            created_at=np.minimum(born, setting.start - 3600.0),
            signup_email_domain=f"campus-{int(rng.integers(1000, 9999))}.example",
            tier="free",
        )
        homework = tasks.mixed(rng, int(rng.integers(6, 40)))
        evenings = rng.choice(int(setting.days), min(4, int(setting.days)), replace=False)
        asked = rng.poisson(2.5, (size, evenings.size)) + (rng.random((size, evenings.size)) < 0.7)
        who, when = np.nonzero(asked)
        count = asked[who, when]
        account, night = np.repeat(who, count), np.repeat(evenings[when], count)
        ts = setting.start + night * DAY_S + (17.0 + rng.gamma(3.0, 0.9, account.size)) * 3600.0
        order = np.lexsort((ts, account))
        account, ts = account[order], np.minimum(ts[order], setting.start + setting.days * DAY_S - 1.0)
        again = rng.random(account.size) < 0.25
        a = Arrivals(account, ts, np.arange(account.size), again.astype(np.int64))
        text = homework.gather(rng.integers(0, homework.len(), account.size))
        follow = tasks.follow_up(rng, account.size)
        prompt = pl.select(pl.when(pl.Series(again)).then(follow).otherwise(text).alias("t"))["t"]
        sent, received = human_lengths(rng, a, prompt)
        out.append(Traffic(crowd, a, prompt, None, sent, received))
    return out
