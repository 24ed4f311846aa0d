"""Evidence that is made when it is read: of the many cases that go on with an alert only the latest is shown."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


class Later(ABC):
    """A value of evidence, with what it takes to make it; what it took is let go of afterwards.

    Attributes:
        made: the value; None before.
    """

    made: Any = None

    @classmethod
    @abstractmethod
    def make(cls, several: Sequence["Later"]) -> None:
        """Set `made` of some, all of this class: together, since a hundred cost little more than one."""

    def get(self) -> Any:  # noqa: ANN401 - evidence is JSON
        """The value."""
        settle([{"": self}])
        return self.made


def settle(evidence: Iterable[Mapping[str, Any]]) -> None:
    """Make all that is missing in the evidence of some cases."""
    missing = {id(value): value for each in evidence for value in each.values() if isinstance(value, Later)}
    kinds: dict[type[Later], list[Later]] = {}
    for value in missing.values():
        if value.made is None:
            kinds.setdefault(type(value), []).append(value)
    for kind, some in kinds.items():
        kind.make(some)


def told(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Evidence as it is written."""
    return {name: value.get() if isinstance(value, Later) else value for name, value in evidence.items()}
