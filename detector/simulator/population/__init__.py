"""Innocents: a new kind is a function in one of these files, or a file and a line here."""

from detector.simulator.population import exam_prep, extension, groups, humans, mixed_use, products, scripts
from detector.simulator.population.base import AT_ONCE, INNOCENTS, innocent

__all__ = [
    "AT_ONCE",
    "INNOCENTS",
    "exam_prep",
    "extension",
    "groups",
    "humans",
    "innocent",
    "mixed_use",
    "products",
    "scripts",
]
