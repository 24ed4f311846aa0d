"""Seedless synthesis: next to nothing is asked, so that the model writes question and answer itself (data-free distillation)."""

import polars as pl

from detector.simulator.campaigns.base import Plan, campaign, recruit, scheduled
from detector.simulator.habits import choose
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic, reply_tokens

_TURNS = ("", "\n", " ", "User:", "Q:", "...", "Next:", "<start>")
_HOT = ((0.7, 0.13), (1.0, 0.14))  # of everybody's temperatures, those at which answers differ


@campaign("seedless_synthesis")
def seedless_synthesis(rng: Rng, setting: Setting, plan: Plan) -> list[Traffic]:
    """Empty turns, sampled hot; answers as long as they come."""
    crowd = recruit(rng, setting, plan)
    crowd = crowd.set(_temperature=pl.Series(choose(rng, _HOT, plan.accounts), dtype=pl.Float64))
    a = scheduled(rng, setting, plan, 22.0)
    prompt = pl.Series(_TURNS).gather(rng.integers(0, len(_TURNS), a.ts.size))
    return [Traffic(crowd, a, prompt, None, None, reply_tokens(rng, a.ts.size, 420, 0.9))]
