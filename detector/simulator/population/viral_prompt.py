"""People who paste a prompt that everybody passes on, and go on in their own way."""

import polars as pl

from detector.simulator.accounts import draw_accounts
from detector.simulator.arrivals import sessions
from detector.simulator.population.base import innocent
from detector.simulator.population.humans import human_lengths, human_texts
from detector.simulator.population.shared import sizes, weekly
from detector.simulator.texts import wrappers
from detector.simulator.texts.compose import Rng, wrapped
from detector.simulator.traffic import Setting, Traffic

_SPREAD = (0.7, 1.2)  # of their volumes
_PASTED = (0.3, 0.9)  # of their conversations begin with it


@innocent("viral_prompt", at_once=40)
def viral_prompt(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """N prompts, each with the people who saw it: one beginning, then a person's own matter, turns and hours."""
    out = []
    for size in sizes(rng, n, 15, 150):
        crowd = draw_accounts(rng, size, setting.start, "viral_prompt")
        count = weekly(rng, rng.uniform(1.0, 2.0), rng.uniform(*_SPREAD), size, setting.days)
        turns = crowd.frame["_turns"].to_numpy()
        a = sessions(rng, count, crowd.frame["_zone"].to_numpy(), turns, setting.start, setting.days)
        head, share = wrappers.reasoning(rng)[0], rng.uniform(*_PASTED)
        pasted = (a.turn == 0) & (rng.random(a.ts.size) < share)
        own = human_texts(rng, a.turn)
        prompt = wrapped(head, own).zip_with(pl.Series(pasted), own)
        out.append(Traffic(crowd, a, prompt, None, *human_lengths(rng, a, prompt)))
    return out
