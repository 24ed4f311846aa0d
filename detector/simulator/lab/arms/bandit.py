"""How an attacker chooses among ways to hide: Thompson's sampling over the share of requests that got through."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Bandit:
    """An attacker's memory.

    Attributes:
        arms: what can be chosen.
        rewards: of each, 0–1, in the order in which they came.
    """

    arms: Sequence[str]
    rewards: dict[str, list[float]] = field(default_factory=dict)

    def choose(self, rng: np.random.Generator, n: int) -> list[str]:
        """Choices for a round; what was never tried comes first, in the order of the arms.

        Args:
            rng: of the draws.
            n: choices, made before any of their rewards is known.
        """
        untried = [arm for arm in self.arms if arm not in self.rewards][:n]
        return untried + [self._drawn(rng) for _ in range(n - len(untried))]

    def learn(self, arm: str, reward: float) -> None:
        """Remembers what a choice brought."""
        self.rewards.setdefault(arm, []).append(reward)

    def _drawn(self, rng: np.random.Generator) -> str:
        drawn = {arm: self._draw(rng, self.rewards.get(arm, [])) for arm in self.arms}
        return max(drawn, key=lambda arm: drawn[arm])

    @staticmethod
    def _draw(rng: np.random.Generator, rewards: list[float]) -> float:
        return float(rng.beta(1 + sum(rewards), 1 + len(rewards) - sum(rewards)))
