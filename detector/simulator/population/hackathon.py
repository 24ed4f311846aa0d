"""Teams of a hackathon: one hall, one morning of sign-ups, often one sponsor's credit, and projects of all kinds."""

import numpy as np
import polars as pl

from detector.simulator.accounts import DAY_S, draw_accounts
from detector.simulator.arrivals import sessions
from detector.simulator.population.base import innocent
from detector.simulator.population.humans import human_lengths, human_texts
from detector.simulator.population.shared import one_network, sizes
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng, wrapped
from detector.simulator.traffic import Setting, Traffic

_SPONSORED = 0.5  # of the events pay for everybody
_STARTER = 0.4  # of the requests begin as the starter kit does, where a team uses it
_BUILT = 0.6  # of the conversations are about code
_DAYS = 2.0  # that an event takes


@innocent("hackathon", at_once=40)
def hackathon(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """N events: accounts made within hours behind one network, which then do what each team likes, for two days."""
    out = []
    for size in sizes(rng, n, 12, 120):
        begin = setting.start + rng.uniform(0.2, max(setting.days - _DAYS, 0.3)) * DAY_S
        crowd = one_network(rng, draw_accounts(rng, size, setting.start, "hackathon"))
        crowd = crowd.set(
            created_at=np.round(begin - rng.exponential(2.0, size) * 3600.0 - 60.0, 3),
            tier="free",
            _zone=float(crowd.frame["_zone"][0]),
        )
        if rng.random() < _SPONSORED:
            crowd = crowd.set(payment_fingerprint=crowd.frame["payment_fingerprint"][0])
        count = np.maximum(rng.lognormal(2.2, 0.9, size), 1.0).round().astype(np.int64)
        left = min(_DAYS, (setting.start - begin) / DAY_S + setting.days)
        a = sessions(rng, count, crowd.frame["_zone"].to_numpy(), crowd.frame["_turns"].to_numpy(), begin, left)
        head, kit = wrappers.framework_prompt(rng), rng.random(size) < 0.5
        starts = (a.turn == 0) & kit[a.account] & (rng.random(a.ts.size) < _STARTER)
        built = (a.turn == 0) & (rng.random(a.ts.size) < _BUILT)
        own = human_texts(rng, a.turn)
        items = tasks.code(rng, a.ts.size).zip_with(pl.Series(built), own)
        prompt = wrapped(f"{head}\n\n", items).zip_with(pl.Series(starts), items)
        sent, received = human_lengths(rng, a, prompt)
        out.append(Traffic(crowd, a, prompt, None, sent, received))
    return out
