"""What each kind of student is given, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from detector.simulator.lab.training import Recipe, Texts
from detector.simulator.lab.transformer import Shape, Transformer


@dataclass(frozen=True)
class Voting:
    """Teachers that vote, for private aggregation.

    Attributes:
        teachers: how many, each trained on records of its own.
        records: worked questions that each is trained on.
        noise: standard deviation of the Gaussian noise on every count of votes; 0 is no privacy.
        delta: of the guarantee.
    """

    teachers: int = 8
    records: int = 400
    noise: float = 0.0
    delta: float = 1e-5


@dataclass(frozen=True)
class Lesson:
    """What a student is made from.

    Attributes:
        teacher: the model that was asked.
        texts: what it answered.
        shape: the student's size.
        recipe: how it is trained.
        seed: of its first weights, of the order of texts, and of what it makes up itself.
        voting: of the kind that lets teachers vote.
    """

    teacher: Transformer
    texts: Texts
    shape: Shape
    recipe: Recipe
    seed: int
    voting: Voting = field(default_factory=Voting)

    def text_only(self) -> Recipe:
        """The recipe without distillation from anything but text."""
        return replace(self.recipe, alpha=0.0, temperature=1.0)

    def rng(self) -> np.random.Generator:
        """Of what a student makes up itself."""
        return np.random.default_rng([self.seed, 2])


@dataclass(frozen=True)
class Taught:
    """A student.

    Attributes:
        student: trained.
        told: further figures of its kind.
    """

    student: Transformer
    told: dict[str, float | None] = field(default_factory=dict)


Kind = Callable[[Lesson], Taught]
