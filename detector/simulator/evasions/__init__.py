"""Evasions: what a campaign does so as not to be found. A new one is a file and a line here.

They are applied in the order of the imports below: first what accounts are, then when and what they ask, and last what is
added to it.
"""

# ruff: noqa: I001 - the order is the order of application
from detector.simulator.evasions import residential
from detector.simulator.evasions import unique_payments
from detector.simulator.evasions import header_normalisation
from detector.simulator.evasions import slow_ramp
from detector.simulator.evasions import human_hours
from detector.simulator.evasions import jitter
from detector.simulator.evasions import template_mutation
from detector.simulator.evasions import translation
from detector.simulator.evasions import mixed_models
from detector.simulator.evasions import decoys
from detector.simulator.evasions.base import EVASIONS, Evasion, evade, evasion

__all__ = [
    "EVASIONS",
    "Evasion",
    "decoys",
    "evade",
    "evasion",
    "header_normalisation",
    "human_hours",
    "jitter",
    "mixed_models",
    "residential",
    "slow_ramp",
    "template_mutation",
    "translation",
    "unique_payments",
]
