"""One kind of innocent: a function that makes its traffic, registered under its name."""

from collections.abc import Callable

from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic

Maker = Callable[[Rng, Setting, int], list[Traffic]]
"""(chance, setting, how many accounts or groups) → traffic of one or more crowds."""

INNOCENTS: dict[str, Maker] = {}


def innocent(name: str) -> Callable[[Maker], Maker]:
    """Register an innocent kind."""

    def register(maker: Maker) -> Maker:
        INNOCENTS[name] = maker
        return maker

    return register
