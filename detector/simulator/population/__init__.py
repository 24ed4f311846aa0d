"""Innocents: a new kind is a function in one of these files, or a file and a line here."""

from detector.simulator.population import extension, groups, humans, products
from detector.simulator.population.base import INNOCENTS, innocent

__all__ = ["INNOCENTS", "extension", "groups", "humans", "innocent", "products"]
