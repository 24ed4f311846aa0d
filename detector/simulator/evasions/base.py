"""One evasion: a change to a campaign's accounts or to its requests, registered under its name."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from detector.simulator.accounts import Crowd
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic


class Evasion:
    """Changes traffic of a campaign of any kind; relayed customers' requests stay as they are.

    `strength` runs from 0, nothing, to 1, as far as it goes. A kind overrides one of the two.
    """

    def accounts(self, rng: Rng, setting: Setting, crowd: Crowd, strength: float) -> Crowd:
        """The accounts that the attacker uses, once for each crowd."""
        del rng, setting, strength
        return crowd

    def requests(self, rng: Rng, setting: Setting, traffic: Traffic, strength: float) -> list[Traffic]:
        """What these accounts do: the changed traffic, and perhaps more from the same accounts."""
        del rng, setting, strength
        return [traffic]


EVASIONS: dict[str, Evasion] = {}


def evasion(name: str) -> Callable[[type[Evasion]], type[Evasion]]:
    """Register an evasion."""

    def register(kind: type[Evasion]) -> type[Evasion]:
        EVASIONS[name] = kind()
        return kind

    return register


def own_requests(traffic: Traffic) -> npt.NDArray[np.bool_]:
    """Which requests the attacker makes, refused ones too; not those of customers whom it relays."""
    if traffic.relayed is None:
        return np.ones(traffic.arrivals.ts.size, np.bool_)
    return ~traffic.relayed


def moved(setting: Setting, traffic: Traffic, ts: npt.NDArray[np.float64]) -> Traffic:
    """The same traffic with the attacker's requests at other times, reflected at the ends of the world.

    Later turns move with the first one of their conversation.
    """
    a, own = traffic.arrivals, own_requests(traffic)
    shift = np.where(own, ts - a.ts, 0.0)
    first = own & (a.turn == 0)
    if (own & ~first).any():
        of_session = np.zeros(int(a.session.max()) + 1)
        of_session[a.session[first]] = shift[first]
        shift = np.where(own, of_session[a.session], 0.0)
    start, end = setting.start, setting.start + setting.days * 86_400.0
    new = start + np.abs(a.ts + shift - start)
    new = np.clip(end - np.abs(end - new), start, end - 1.0)
    return replace(traffic, arrivals=a._replace(ts=np.where(own, new, a.ts)))


def evade(
    rng: Rng,
    setting: Setting,
    made: list[Traffic],
    wanted: Mapping[str, float],
    known: Mapping[str, Evasion] = EVASIONS,
) -> list[Traffic]:
    """Traffic of a campaign after the evasions that its world asks for.

    Args:
        rng: source of chance.
        setting: time and models of the world.
        made: what the campaign would do without them.
        wanted: name of an evasion → strength 0–1.
        known: evasions by name, in order of application.
    """
    for name, kind in known.items():
        if wanted.get(name, 0.0) <= 0.0:
            continue
        # Several crowds of traffic may be of the same accounts, which have one address and one card.
        changed: dict[int, Crowd] = {}
        for t in made:
            if id(t.crowd) not in changed:
                changed[id(t.crowd)] = kind.accounts(rng, setting, t.crowd, wanted[name])
        made = [replace(t, crowd=changed[id(t.crowd)]) for t in made]
        made = [more for t in made for more in kind.requests(rng, setting, t, wanted[name])]
    return made
