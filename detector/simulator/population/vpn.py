"""Strangers behind one exit of a VPN."""

from detector.simulator.accounts import draw_accounts
from detector.simulator.arrivals import sessions
from detector.simulator.population.base import innocent
from detector.simulator.population.humans import human_lengths, human_texts
from detector.simulator.population.shared import one_network, sizes, weekly
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


@innocent("vpn", at_once=40)
def vpn(rng: Rng, setting: Setting, groups: int) -> list[Traffic]:
    """Strangers behind one exit of a VPN."""
    out = []
    for size in sizes(rng, groups, 8, 80):
        crowd = one_network(rng, draw_accounts(rng, size, setting.start, "vpn"))
        count = weekly(rng, 1.1, 1.1, size, setting.days, least=0.6)
        a = sessions(
            rng, count, crowd.frame["_zone"].to_numpy(), crowd.frame["_turns"].to_numpy(), setting.start, setting.days
        )
        prompt = human_texts(rng, a.turn)
        out.append(Traffic(crowd, a, prompt, None, *human_lengths(rng, a, prompt)))
    return out
