"""Residential addresses: the attack leaves through strangers' homes, so that no two accounts share a network."""

import numpy as np
import polars as pl

from detector.simulator.accounts import ADDRESSES, Crowd, networks
from detector.simulator.evasions.base import Evasion, evasion
from detector.simulator.habits import PLACES, choose
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting


@evasion("residential")
class Residential(Evasion):
    """`strength` of the accounts get networks of their own, as many as anybody has."""

    def accounts(self, rng: Rng, setting: Setting, crowd: Crowd, strength: float) -> Crowd:
        """Other networks."""
        del setting
        moved = rng.random(crowd.size) < strength
        fresh = networks(rng, crowd.size * ADDRESSES)
        old = crowd.frame["_network"].to_list()
        nets = [fresh[i * ADDRESSES : (i + 1) * ADDRESSES] if m else old[i] for i, m in enumerate(moved.tolist())]
        places = np.where(moved, np.array(choose(rng, PLACES, crowd.size)), crowd.frame["_places"].to_numpy())
        return crowd.set(_network=pl.Series(nets), _places=places)
