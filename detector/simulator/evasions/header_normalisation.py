"""Header normalisation: relay software gives every request the most ordinary client there is."""

import polars as pl

from detector.simulator.accounts import Crowd
from detector.simulator.evasions.base import Evasion, evasion
from detector.simulator.habits import AGENTS, tls_stack
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting


@evasion("header_normalisation")
class HeaderNormalisation(Evasion):
    """`strength` of the accounts show the user agent and the TLS stack that are the most frequent among innocents."""

    def accounts(self, rng: Rng, setting: Setting, crowd: Crowd, strength: float) -> Crowd:
        """Other clients."""
        del setting
        plain = pl.Series(rng.random(crowd.size) < strength)
        agent = pl.Series([AGENTS[0]]).new_from_index(0, crowd.size)
        stack = pl.Series([tls_stack(0)]).new_from_index(0, crowd.size)
        return crowd.set(
            _user_agent=agent.zip_with(plain, crowd.frame["_user_agent"]),
            _tls=stack.zip_with(plain, crowd.frame["_tls"]),
        )
