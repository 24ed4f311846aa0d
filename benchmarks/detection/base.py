"""What a method is: how it is asked, and what it may see."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from detector.evaluation.baselines import Baseline
from detector.evaluation.population import Population

Detections = Mapping[str, float]
"""When each named account was first named, epoch seconds."""


@dataclass(frozen=True)
class Case:
    """What a method may see of a world: everything but the truth.

    Attributes:
        name: of the world.
        requests: the request log.
        accounts: the account file; None where there is none.
        events: the event file; None where there is none.
    """

    name: str
    requests: Path
    accounts: Path | None = None
    events: Path | None = None


class Namer(ABC):
    """A method with a decision rule of its own: it names accounts."""

    @abstractmethod
    def name(self, case: Case) -> dict[str, Detections]:
        """The accounts named, by row of the table."""


class Ranker(ABC):
    """A method that says how suspicious an account is; where to cut is set by the harness, from a budget of accounts.

    Attributes:
        label: the row of the table.
        own: the threshold that the method was published with, in units of its score: one more row. None where it has none.
        fitted: whether it is fitted to traffic. Then it is asked once a kind of campaign, without that kind in what it is fitted to.
    """

    label: ClassVar[str]
    own: ClassVar[float | None] = None
    fitted: ClassVar[bool] = False

    @abstractmethod
    def prepare(self, case: Case) -> Any:  # noqa: ANN401 - each method's own, and handed back to it alone
        """Everything that does not depend on what it is fitted to."""

    @abstractmethod
    def rank(self, prepared: Any, without: frozenset[str]) -> pl.DataFrame:  # noqa: ANN401 - the same
        """Suspicions as they arise.

        Args:
            prepared: as from `prepare`.
            without: accounts that it must not be fitted to; they are to be judged all the same.

        Returns:
            `account_id`, `at` (epoch seconds at which the score is known) and `score`, higher being more suspicious; any number of
            rows an account, and none for an account that cannot be judged.
        """


class Learner(ABC):
    """A method that is taught by labels, of other kinds of campaign than those that it is asked about.

    Attributes:
        label: the row of the table.
    """

    label: ClassVar[str]

    @abstractmethod
    def figures(self, case: Case, population: Population) -> Baseline | None:
        """What it reaches on what it was not taught; None where nothing is left to teach it with."""


Peer = Namer | Ranker | Learner
