"""Companies whose search index is built by several accounts."""

import numpy as np
import polars as pl

from detector.simulator.accounts import draw_accounts
from detector.simulator.arrivals import paced
from detector.simulator.population.base import innocent
from detector.simulator.population.clients import one_style
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@innocent("indexer_fleet", at_once=40)
def indexer_fleet(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """N companies whose search index is built by several accounts of theirs: one card, one corpus, each its own part."""
    out = []
    for _ in range(n):
        size = int(rng.integers(3, 9))
        crowd = draw_accounts(rng, size, setting.start, "indexer_fleet")
        first = crowd.frame.row(0, named=True)
        shared = ("org_id", "payment_fingerprint", "signup_email_domain", "tier", "created_at", "_network", "_tls")
        crowd = crowd.set(**{name: pl.Series([first[name]] * size) for name in shared})
        a = paced(rng, np.full(size, int(60 * setting.days)), 0.4, setting.start, setting.days)
        out.append(
            Traffic(crowd, a, tasks.document(rng, a.ts.size), None, one_style(rng, a.ts.size)[0], embeddings=True)
        )
    return out
