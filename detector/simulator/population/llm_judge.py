"""Customers who grade their own assistant's answers."""

from detector.simulator.population.base import innocent
from detector.simulator.population.clients import own_styles
from detector.simulator.population.companies import arrive, placed
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@innocent("llm_judge")
def llm_judge(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """Customers who grade their own assistant's answers."""
    crowd, _, a = arrive(rng, setting, n, 140.0, "llm_judge")
    own = [wrappers.judge_system(rng) for _ in range(n)]
    system, prompt = placed(rng, own, tasks.answers(rng, a.ts.size), a.account)
    return [Traffic(crowd, a, prompt, system, *own_styles(rng, a.account, n))]
