"""Template mutation: the wrapper is worded in several ways, so that no single text is in every account."""

from dataclasses import replace

from detector.simulator.evasions.base import Evasion, evasion, own_requests
from detector.simulator.texts.compose import Rng
from detector.simulator.texts.wrapper import reworded
from detector.simulator.traffic import Setting, Traffic


@evasion("template_mutation")
class TemplateMutation(Evasion):
    """As many wordings as accounts to the power of `strength`: one at 0, one for each account at 1."""

    def requests(self, rng: Rng, setting: Setting, traffic: Traffic, strength: float) -> list[Traffic]:
        """Other words around the same items."""
        del setting
        if traffic.wrapper is None:
            return [traffic]
        wordings = max(1, round(traffic.crowd.size**strength))
        mine = rng.integers(0, wordings, traffic.crowd.size)[traffic.arrivals.account]
        prompt, system, wrapper = reworded(
            rng, traffic.wrapper, mine, own_requests(traffic), traffic.prompt, traffic.system
        )
        return [replace(traffic, prompt=prompt, system=system, wrapper=wrapper)]
