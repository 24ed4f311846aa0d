"""One kind of innocent: a function that makes its traffic, registered under its name."""

from collections.abc import Callable

from detector.simulator.texts.compose import Rng
from detector.simulator.traffic import Setting, Traffic

Maker = Callable[[Rng, Setting, int], list[Traffic]]
"""(chance, setting, how many accounts or groups) → traffic of one or more crowds."""

INNOCENTS: dict[str, Maker] = {}
AT_ONCE: dict[str, int] = {}  # how many of a kind are made at a time

_ACCOUNTS = 4000


def innocent(name: str, at_once: int = _ACCOUNTS) -> Callable[[Maker], Maker]:
    """Register an innocent kind.

    Args:
        name: in the world's population.
        at_once: how many are made at a time, so that a large world needs no more memory; fewer where each is a group.
    """

    def register(maker: Maker) -> Maker:
        INNOCENTS[name] = maker
        AT_ONCE[name] = at_once
        return maker

    return register
