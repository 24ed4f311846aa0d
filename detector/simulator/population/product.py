"""Assistants with fixed instructions, many of them a public framework's."""

import numpy as np

from detector.simulator.habits import offer_tools
from detector.simulator.population.base import innocent
from detector.simulator.population.clients import tokens
from detector.simulator.population.companies import arrive, placed
from detector.simulator.texts import tasks, wrappers
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic

_WITH_TOOLS = 0.3  # share of products that offer the model tools
_FRAMEWORKS = 18  # public prompts that several products use unchanged


@innocent("product")
def products(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """Assistants with fixed instructions: a third use a framework's, the others their own."""
    crowd, clients, a = arrive(rng, setting, n, 45.0, "product")
    shared = [wrappers.framework_prompt(rng) for _ in range(max(2, min(_FRAMEWORKS, n // 4)))]
    own = [wrappers.product_system(rng) for _ in range(n)]
    popular = np.minimum(rng.zipf(1.6, n), len(shared)) - 1
    text = [shared[p] if u else own[i] for i, (p, u) in enumerate(zip(popular, rng.random(n) < 0.35, strict=True))]
    system, prompt = placed(rng, text, tasks.document(rng, a.ts.size), a.account)
    each = clients[a.account]
    more = offer_tools(rng, a.account, rng.random(n) < _WITH_TOOLS)
    return [Traffic(crowd, a, prompt, system, tokens(rng, each, 0), tokens(rng, each, 1), columns=more)]
