"""Decoy follow-ups: harvested answers are followed up as a person would, so that sessions do not end after one turn."""

import numpy as np

from detector.simulator.accounts import DAY_S
from detector.simulator.arrivals import Arrivals, counter
from detector.simulator.evasions.base import Evasion, evasion, own_requests
from detector.simulator.population.humans import human_lengths
from detector.simulator.texts import tasks
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic

_EVEN = 3.0  # how alike accounts are in how often they follow up


@evasion("decoys")
class Decoys(Evasion):
    """`strength` of the requests are followed up, by as many turns as is the account's habit; these are nobody's harvest."""

    def requests(self, rng: Rng, setting: Setting, traffic: Traffic, strength: float) -> list[Traffic]:
        """The same traffic, and the decoys."""
        a = traffic.arrivals
        # Some accounts follow up more than others, as people do.
        often = rng.beta(_EVEN * strength, _EVEN * (1.0 - strength) + 1e-6, traffic.crowd.size)[a.account]
        followed = np.flatnonzero(own_requests(traffic) & (rng.random(a.ts.size) < often))
        if traffic.embeddings or followed.size == 0:
            return [traffic]
        length = rng.geometric(1.0 / traffic.crowd.frame["_turns"].to_numpy()[a.account[followed]])
        row, step = np.repeat(followed, length), counter(length)
        gap = np.cumsum(rng.lognormal(4.0, 1.0, row.size))
        ends = np.cumsum(length)
        since = gap - np.repeat(np.r_[0.0, gap][ends - length], length)
        ts = a.ts[row] + since
        kept = ts < setting.start + setting.days * DAY_S
        row, ts, step = row[kept], ts[kept], step[kept]
        more = Arrivals(a.account[row], ts, a.session[row], a.turn[row] + step + 1)
        prompt = tasks.follow_up(rng, row.size)
        nobody, everybody = np.zeros(row.size, np.bool_), np.ones(row.size, np.bool_)
        decoy = Traffic(
            traffic.crowd, more, prompt, None, *human_lengths(rng, more, prompt), attack=nobody, relayed=everybody
        )
        return [traffic, decoy]
