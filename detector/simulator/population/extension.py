"""People with keys of their own who use one public tool: an editor's or a browser's extension that wraps whatever they select."""

import numpy as np

from detector.simulator.accounts import draw_accounts
from detector.simulator.arrivals import sessions
from detector.simulator.population.base import innocent
from detector.simulator.population.clients import one_style
from detector.simulator.population.shared import weekly
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng, scatter, wrapped
from detector.simulator.traffic import Setting, Traffic

_USERS = (12, 70)
_SPREAD = 1.1  # of their volumes, as of everybody's


@innocent("extension", at_once=40)
def extension(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """N tools, each with unrelated users: one wrapper, lengths of one kind, nothing followed up, volumes as people's."""
    out = []
    for _ in range(n):
        users = int(rng.integers(*_USERS))
        crowd = draw_accounts(rng, users, setting.start, "extension")
        count = weekly(rng, 1.8, _SPREAD, users, setting.days)
        a = sessions(rng, count, crowd.frame["_zone"].to_numpy(), 1.02, setting.start, setting.days)
        head, kind = wrappers.framework_prompt(rng), int(rng.integers(3))
        chosen = [tasks.document, tasks.code, tasks.chat][kind]
        items = scatter(np.zeros(a.ts.size, np.int64), [lambda m, chosen=chosen: chosen(rng, m)])
        prompt = wrapped(f"{head}\n\n", items)
        out.append(Traffic(crowd, a._replace(turn=a.turn * 0), prompt, None, *one_style(rng, a.ts.size)))
    return out
