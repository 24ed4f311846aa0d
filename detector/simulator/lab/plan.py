"""How large a validation is."""

from dataclasses import dataclass, field
from typing import Final, Literal

from detector.simulator.lab.kinds import KINDS
from detector.simulator.lab.kinds.lesson import Voting
from detector.simulator.lab.study import Study
from detector.simulator.lab.training import Recipe
from detector.simulator.lab.transformer import STUDENTS, Shape

Attention = Literal["near", "spread"]


@dataclass(frozen=True)
class Plan:
    """A validation.

    Attributes:
        name: `quick` or `full`.
        world: that attackers and innocents live in.
        world_seed: instead of the world's own.
        seeds: one harvest and one set of students each.
        sizes: exchanges harvested, for the curve; rising.
        recipe: how students are trained, whatever they got.
        size: of the students, a key of `STUDENTS`.
        other_sizes: of students that get the whole budget, for comparison, with a few seeds.
        study: of kinds of student; None leaves that out.
        exam: held-out questions.
        datasets: of the tabular track.
        attention: of its teachers.
        wrong: shares of wrong labels in it.
        splits: of each data set.
        rounds: of the arms race; 0 leaves it out.
        adaptive: worlds in which all campaigns change their ways and replace refused accounts.
        adaptive_rounds: in each of these.
        gateway: world whose traffic goes through the HTTP gateway and the service; None leaves it out.
        workers: processes.
    """

    name: str
    world: str
    world_seed: int | None
    seeds: tuple[int, ...]
    sizes: tuple[int, ...]
    recipe: Recipe
    size: str = "smaller"
    other_sizes: tuple[str, ...] = ()
    study: Study | None = None
    exam: int = 900
    datasets: tuple[str, ...] = ("breast_cancer", "diabetes", "digits", "wine")
    attention: tuple[Attention, ...] = ("near", "spread")
    wrong: tuple[float, ...] = (0.0, 0.3)
    splits: int = 8
    rounds: int = 0
    adaptive: tuple[str, ...] = ()
    adaptive_rounds: int = 4
    gateway: str | None = None
    workers: int = field(default=2)

    @property
    def shape(self) -> Shape:
        """Of the students."""
        return STUDENTS[self.size]

    @property
    def harvest(self) -> int:
        """Exchanges that a seed's harvest holds: enough for any budget."""
        return BUDGET * self.sizes[-1]


GATEWAY: Final = "tiny"  # world that is small enough for HTTP
BUDGET: Final = 3  # times the exchanges that an unprotected student needs
PLATEAU: Final = 0.95  # of the plateau, where a student counts as done

FULL: Final = Plan(
    name="full",
    world="demo",
    world_seed=None,
    seeds=(1, 2, 3),
    sizes=(100, 200, 400, 800, 1600, 3200),
    recipe=Recipe(steps=1000, batch=32, rate=6e-3),
    other_sizes=("equal", "larger"),
    study=Study(
        exchanges=400,
        recipe=Recipe(steps=600, batch=32, rate=6e-3),
        kinds=tuple(KINDS),
        alphas=(0.3, 0.7, 1.0),
        temperatures=(1.0, 2.0, 4.0),
        noises=(0.0, 1.0, 4.0, 64.0),
        voting=Voting(teachers=6, records=400),
        strengths=("strong", "weak"),
        sizes=("smaller", "equal", "larger"),
    ),
    rounds=8,
    adaptive=("reported-2026", "evasive"),
    gateway=GATEWAY,
)
QUICK: Final = Plan(
    name="quick",
    world="demo",
    world_seed=None,
    seeds=(1, 2),
    sizes=(200, 600, 2000),
    recipe=Recipe(steps=600, batch=32, rate=6e-3),
    exam=300,
    datasets=("diabetes", "wine"),
    attention=("near",),
    splits=8,
    study=Study(
        exchanges=200,
        recipe=Recipe(steps=100, batch=32, rate=6e-3),
        kinds=("text", "soft", "features", "random_prompts", "votes"),
        noises=(1.0,),
        voting=Voting(teachers=3, records=150),
    ),
)
