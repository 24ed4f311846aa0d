"""Users of an open-source agent, who share its system prompt."""

import numpy as np
import polars as pl

from detector.simulator.accounts import draw_accounts
from detector.simulator.arrivals import sessions
from detector.simulator.population.base import innocent
from detector.simulator.population.shared import sizes, weekly
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng, wrapped
from detector.simulator.traffic import Setting, Traffic, reply_tokens


@innocent("coding_agent", at_once=40)
def coding_agent(rng: Rng, setting: Setting, groups: int) -> list[Traffic]:
    """Users of an open-source agent: unrelated, one system prompt in a few versions, long loops of tool results."""
    out = []
    for size in sizes(rng, groups, 8, 160):
        crowd = draw_accounts(rng, size, setting.start, "coding_agent")
        base = wrappers.agent_system(rng)
        versions = [base, base + f" Version {int(rng.integers(2, 9))}.", wrappers.agent_system(rng)]
        version = rng.choice(3, size, p=(0.6, 0.3, 0.1))
        crowd = crowd.set(_user_agent=f"agent-{int(rng.integers(100, 999))}/0.{int(rng.integers(1, 40))}")
        count = weekly(rng, 1.2, 1.0, size, setting.days, least=0.6)
        a = sessions(rng, count, crowd.frame["_zone"].to_numpy(), 9.0, setting.start, setting.days)
        first, later = tasks.code(rng, a.ts.size), tasks.document(rng, a.ts.size)
        prompt = first.zip_with(pl.Series(a.turn == 0), wrapped("Output of the last call:\n", later))
        sent = 900 + a.turn * 320 + rng.integers(0, 300, a.ts.size)
        tools = pl.Series([["read", "write", "run", "search"]]).new_from_index(0, a.ts.size)
        more = {
            "tools": tools,
            "tool_calls": (rng.random(a.ts.size) < 0.82).astype(np.int64),
            "n_tool_results": (a.turn > 0).astype(np.int64),
        }
        system = pl.Series(versions).gather(version[a.account])
        out.append(Traffic(crowd, a, prompt, system, sent, reply_tokens(rng, a.ts.size, 150, 0.9), columns=more))
    return out
