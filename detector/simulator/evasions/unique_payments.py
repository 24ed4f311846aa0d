"""Unique payments: a virtual card for each account."""

import polars as pl

from detector.simulator.accounts import Crowd, identifiers
from detector.simulator.evasions.base import Evasion, evasion
from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting


@evasion("unique_payments")
class UniquePayments(Evasion):
    """`strength` of the accounts pay with a card of their own."""

    def accounts(self, rng: Rng, setting: Setting, crowd: Crowd, strength: float) -> Crowd:
        """Other cards."""
        del setting
        own = pl.Series(rng.random(crowd.size) < strength)
        cards = identifiers(rng, "pm", crowd.size)
        return crowd.set(payment_fingerprint=cards.zip_with(own, crowd.frame["payment_fingerprint"]))
