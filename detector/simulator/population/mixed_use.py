"""People with one account for everything: they chat, and a program of theirs asks single questions with the same key."""

import numpy as np

from detector.simulator.accounts import draw_accounts
from detector.simulator.arrivals import sessions
from detector.simulator.population.base import innocent
from detector.simulator.population.clients import own_styles
from detector.simulator.population.humans import human_lengths, human_texts
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@innocent("mixed_use")
def mixed_use(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """N unrelated people, each with a share of chats of their own."""
    crowd = draw_accounts(rng, n, setting.start, "mixed_use")
    zone, turns = crowd.frame["_zone"].to_numpy(), crowd.frame["_turns"].to_numpy()
    total = rng.lognormal(2.7, 1.1, n) * setting.days / 7.0
    chats = rng.beta(1.2, 1.2, n)
    counts = [np.maximum(total * share, 1.0).round().astype(np.int64) for share in (chats / turns, 1.0 - chats)]
    talk = sessions(rng, counts[0], zone, turns + 1.0, setting.start, setting.days)
    said = human_texts(rng, talk.turn)
    asked = sessions(rng, counts[1], zone, 1.02, setting.start, setting.days)
    asked = asked._replace(turn=asked.turn * 0, session=asked.session + int(talk.session.max(initial=0)) + 1)
    questions = human_texts(rng, asked.turn)
    return [
        Traffic(crowd, talk, said, None, *human_lengths(rng, talk, said)),
        Traffic(crowd, asked, questions, None, *own_styles(rng, asked.account, n)),
    ]
