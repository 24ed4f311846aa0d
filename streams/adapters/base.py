"""What an adapter is: one foreign format, told apart and turned into exchanges."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from streams.adapters.values import at, text

Json = Mapping[str, Any]


class Adapter(ABC):
    """One foreign format.

    An adapter is total: whatever JSON object it is given, it raises nothing. It leaves out what it does not find, and hands
    on values as they are: whether a record is good is for `streams.decode` to say.

    Args:
        account_path: dotted path of the account id in this source; the format's own guess where None.
    """

    name: ClassVar[str]
    fields: frozenset[str]  # those that it can fill, where the source says them

    def __init__(self, account_path: str | None = None) -> None:
        self.account_path = account_path

    @abstractmethod
    def recognises(self, record: Json) -> bool:
        """Whether a record is of this format; a few look-ups, since every record is asked."""

    @abstractmethod
    def exchanges(self, record: Json) -> Iterable[dict[str, Any]]:
        """The exchanges of a record; none where it tells of something else.

        Args:
            record: one that is recognised.

        Returns:
            `revenuer.exchange.v1` records, ready for JSON; keys without a value are left out.
        """

    def account(self, where: Json, guess: object) -> str | None:
        """Account id at the configured path, or the format's own guess."""
        return text(at(where, self.account_path)) if self.account_path else text(guess)


def compact(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields without those that have no value."""
    return {name: value for name, value in fields.items() if value is not None}
