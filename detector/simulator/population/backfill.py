"""Jobs that catch up: a table is enriched, an index is filled, row by row, with a sleep between two requests."""

import numpy as np

from detector.simulator.accounts import DAY_S, draw_accounts
from detector.simulator.arrivals import Arrivals
from detector.simulator.habits import Options, choose
from detector.simulator.population.base import innocent
from detector.simulator.population.clients import own_styles
from detector.simulator.population.companies import placed
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic

_SLEEP_S: Options = ((30.0, 0.2), (60.0, 0.35), (120.0, 0.15), (300.0, 0.2), (600.0, 0.1))
_JITTER: Options = ((0.01, 0.4), (0.05, 0.3), (0.2, 0.3))  # of the sleep: what an answer takes, and how that varies
_INDEXES = 0.3  # share of the jobs that make embeddings


@innocent("backfill")
def backfill(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """N unrelated customers with one job each: a common sleep, documents that never repeat, instructions of their own."""
    indexes = round(n * _INDEXES)
    out = []
    for size, embeddings in ((n - indexes, False), (indexes, True)):
        if size == 0:
            continue
        crowd = draw_accounts(rng, size, setting.start, "backfill")
        a = _slept(rng, setting, size)
        rows = tasks.document(rng, a.ts.size)
        sent, got = own_styles(rng, a.account, size)
        if embeddings:
            out.append(Traffic(crowd, a, rows, None, sent, embeddings=True))
            continue
        own = [wrappers.product_system(rng) for _ in range(size)]
        system, prompt = placed(rng, own, rows, a.account)
        out.append(Traffic(crowd, a, prompt, system, sent, got))
    return out


def _slept(rng: Rng, setting: Setting, n: int) -> Arrivals:
    sleep, jitter = np.array(choose(rng, _SLEEP_S, n)), np.array(choose(rng, _JITTER, n))
    span = setting.days * DAY_S
    rows = np.clip(rng.lognormal(np.log(150.0), 0.8, n) * setting.days / 7.0, 5, 0.9 * span / sleep).astype(np.int64)
    account = np.repeat(np.arange(n), rows)
    begin = rng.random(n) * (span - rows * sleep)
    gap = sleep[account] * np.maximum(1.0 + jitter[account] * rng.standard_normal(account.size), 0.1)
    # One after the other: what is late makes all that follows late.
    since = np.cumsum(gap)
    ends = np.cumsum(rows)
    ts = setting.start + begin[account] + since - np.r_[0.0, since][ends - rows][account]
    inside = ts < setting.start + span
    return Arrivals(account[inside], ts[inside], np.arange(inside.sum()), np.zeros(int(inside.sum()), np.int64))
