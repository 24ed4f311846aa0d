"""Translation: wrapper and items in other languages, a language for each account."""

from dataclasses import replace

import numpy as np

from detector.simulator.evasions.base import Evasion, evasion, own_requests
from detector.simulator.texts.compose import Rng
from detector.simulator.texts.languages import LANGUAGES, translated_items
from detector.simulator.texts.wrapper import reworded
from detector.simulator.traffic import Setting, Traffic


@evasion("translation")
class Translation(Evasion):
    """`strength` of the accounts write in one of the languages; the others as before."""

    def requests(self, rng: Rng, setting: Setting, traffic: Traffic, strength: float) -> list[Traffic]:
        """Other languages."""
        del setting
        if traffic.wrapper is None:
            return [traffic]
        speaks = rng.integers(0, len(LANGUAGES), traffic.crowd.size)[traffic.arrivals.account]
        abroad = (rng.random(traffic.crowd.size) < strength)[traffic.arrivals.account]
        for number, language in enumerate(LANGUAGES):
            rows = own_requests(traffic) & abroad & (speaks == number)
            wrapper = translated_items(rng, traffic.wrapper, language, rows)
            # All that speak one language share a wording, as all did before.
            same = np.zeros(rows.size, np.int64)
            prompt, system, wrapper = reworded(
                rng, wrapper, same, rows, traffic.prompt, traffic.system, language=language
            )
            traffic = replace(traffic, prompt=prompt, system=system, wrapper=wrapper)
        return [traffic]
