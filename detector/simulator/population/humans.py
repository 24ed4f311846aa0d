"""People who chat: sessions at human hours, several turns, whatever comes to mind."""

import numpy as np
import polars as pl

from detector.simulator.accounts import draw_accounts
from detector.simulator.arrivals import Arrivals, sessions
from detector.simulator.population.base import innocent
from detector.simulator.population.shared import weekly
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng, scatter
from detector.simulator.traffic import I64, Setting, Traffic, reply_tokens

_CONTEXT = 130  # tokens that each earlier turn adds


def human_texts(rng: Rng, turn: I64) -> pl.Series:
    """First turns ask, later ones follow up; now and then code or sums."""
    first = rng.choice(4, turn.size, p=(0.74, 0.14, 0.05, 0.07))
    which = np.where(turn > 0, 4, first)
    return scatter(
        which,
        [
            lambda n: tasks.chat(rng, n),
            lambda n: tasks.code(rng, n),
            lambda n: tasks.maths(rng, n),
            lambda n: tasks.document(rng, n),
            lambda n: tasks.follow_up(rng, n),
        ],
    )


def human_lengths(rng: Rng, a: Arrivals, prompt: pl.Series) -> tuple[I64, I64]:
    """Input grows with the conversation; answers are of all lengths."""
    own = (prompt.str.len_bytes().to_numpy() / 4.0).astype(np.int64)
    context = (a.turn * _CONTEXT * rng.lognormal(0.3, 0.6, a.turn.size)).astype(np.int64)
    return own + context + 5, reply_tokens(rng, a.turn.size, 210, 0.9)


@innocent("human")
def humans(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """N people."""
    crowd = draw_accounts(rng, n, setting.start, "human")
    count = weekly(rng, 1.1, 1.1, n, setting.days, least=0.6)
    a = sessions(
        rng, count, crowd.frame["_zone"].to_numpy(), crowd.frame["_turns"].to_numpy(), setting.start, setting.days
    )
    prompt = human_texts(rng, a.turn)
    sent, received = human_lengths(rng, a, prompt)
    return [Traffic(crowd, a, prompt, None, sent, received)]
