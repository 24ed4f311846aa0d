"""People with a small program of their own: single requests without a system prompt, of any length, at human volumes."""

from detector.simulator.accounts import draw_accounts
from detector.simulator.arrivals import sessions
from detector.simulator.habits import offer_tools
from detector.simulator.population.base import innocent
from detector.simulator.population.clients import own_styles
from detector.simulator.population.humans import human_texts
from detector.simulator.population.shared import weekly
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic

_WITH_TOOLS = 0.15  # share of them who offer the model tools


@innocent("script")
def scripts(rng: Rng, setting: Setting, n: int) -> list[Traffic]:
    """N unrelated people; nothing that they ask is followed up, and lengths are those of their programs."""
    crowd = draw_accounts(rng, n, setting.start, "script")
    count = weekly(rng, 2.4, 1.0, n, setting.days)
    a = sessions(rng, count, crowd.frame["_zone"].to_numpy(), 1.02, setting.start, setting.days)
    a = a._replace(turn=a.turn * 0)
    more = offer_tools(rng, a.account, rng.random(n) < _WITH_TOOLS)
    return [Traffic(crowd, a, human_texts(rng, a.turn), None, *own_styles(rng, a.account, n), columns=more)]
