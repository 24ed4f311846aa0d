"""Reads a student's capability off a curve of exchanges harvested."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curve:
    """Mean accuracy against exchanges harvested.

    Attributes:
        exchanges: rising, the first is 0.
        accuracy: at each.
    """

    exchanges: tuple[float, ...]
    accuracy: tuple[float, ...]

    def at(self, exchanges: float) -> float:
        """Accuracy between the measured points: linear in the logarithm of one more than the exchanges."""
        x = np.log1p(np.array(self.exchanges))
        return float(np.interp(np.log1p(exchanges), x, np.array(self.accuracy)))

    @property
    def plateau(self) -> float:
        """The best accuracy measured."""
        return max(self.accuracy)

    def needed(self, share: float) -> int:
        """Fewest exchanges at which a share of the plateau is reached, between the measured points."""
        goal = share * self.plateau
        high = next(k for k, accuracy in enumerate(self.accuracy) if accuracy >= goal)
        if high == 0:
            return int(self.exchanges[0])
        x = np.log1p(np.array(self.exchanges[high - 1 : high + 1]))
        y = self.accuracy[high - 1 : high + 1]
        return round(float(np.expm1(np.interp(goal, y, x))))


def gained(protected: float, unprotected: float, untrained: float) -> float | None:
    """Share of what an unprotected student learns that a protected one learns too; None where that learns nothing."""
    return (protected - untrained) / (unprotected - untrained) if unprotected > untrained else None


def gained_by_seed(protected: Sequence[float], unprotected: Sequence[float], untrained: Sequence[float]) -> list[float]:
    """The same for each seed; seeds whose unprotected student learns nothing are left out."""
    shares = [gained(*scores) for scores in zip(protected, unprotected, untrained, strict=True)]
    return [share for share in shares if share is not None]
