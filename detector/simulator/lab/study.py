"""Which students are compared beside the ones that enforcement is measured with."""

from dataclasses import dataclass, field, replace
from typing import Final, Literal

from detector.simulator.lab.kinds.lesson import Voting
from detector.simulator.lab.training import Recipe

TeacherName = Literal["strong", "weak"]
ALPHA: Final = 0.7  # share of distillation in the loss, where it is not what is varied
TEMPERATURE: Final = 2.0
WITHOUT_ALPHA: Final = frozenset({"text", "votes"})  # kinds that learn from text alone


@dataclass(frozen=True)
class Variation:
    """One way to make a student.

    Attributes:
        kind: a name of `KINDS`.
        alpha, temperature: of its loss.
        noise: of votes.
        teacher: who was asked.
        size: of the student, a key of `STUDENTS`.
    """

    kind: str
    alpha: float = ALPHA
    temperature: float = TEMPERATURE
    noise: float = 0.0
    teacher: TeacherName = "strong"
    size: str = "smaller"

    def recipe(self, base: Recipe) -> Recipe:
        """A recipe with this one's loss."""
        return replace(base, alpha=self.alpha, temperature=self.temperature)

    @property
    def name(self) -> str:
        """Of its parts."""
        told = f"{self.kind}-{self.teacher}-{self.size}-{self.alpha:g}-{self.temperature:g}"
        return told + (f"-{self.noise:g}" if self.kind == "votes" else "")


@dataclass(frozen=True)
class Study:
    """A comparison of kinds of student.

    Attributes:
        exchanges: that each gets.
        recipe: how each is trained.
        kinds: names of `KINDS`.
        alphas: swept for soft labels and features.
        temperatures: swept for soft labels.
        noises: of votes.
        voting: the teachers that vote.
        strengths: of teachers, each with every size of student.
        sizes: keys of `STUDENTS`, smaller than, equal to and larger than the teacher.
    """

    exchanges: int
    recipe: Recipe
    kinds: tuple[str, ...]
    alphas: tuple[float, ...] = ()
    temperatures: tuple[float, ...] = ()
    noises: tuple[float, ...] = (0.0,)
    voting: Voting = field(default_factory=Voting)
    strengths: tuple[TeacherName, ...] = ()
    sizes: tuple[str, ...] = ()

    def variations(self) -> list[Variation]:
        """What is compared, each once."""
        kinds = [plain(kind) for kind in self.kinds if kind != "votes"]
        votes = [plain("votes", noise=noise) for noise in self.noises if "votes" in self.kinds]
        soft = [Variation("soft", a, t) for a in self.alphas for t in self.temperatures]
        features = [Variation("features", a) for a in self.alphas if a < 1]
        strengths = [
            plain(kind, teacher=teacher, size=size)
            for teacher in self.strengths
            for size in self.sizes
            for kind in ("text", "soft")
        ]
        return list(dict.fromkeys([*kinds, *votes, *soft, *features, *strengths]))


def plain(kind: str, *, noise: float = 0.0, teacher: TeacherName = "strong", size: str = "smaller") -> Variation:
    """A variation with the loss that is usual for its kind."""
    if kind in WITHOUT_ALPHA:
        return Variation(kind, 0.0, 1.0, noise, teacher, size)
    return Variation(kind, noise=noise, teacher=teacher, size=size)
