"""What every renderer gives, and the words that they share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from detector.alerts.model import Action, Limit, Recommendation

# Actions that a person or the provider's own product takes; a gateway has nothing to apply.
BY_HAND: Final[frozenset[Action]] = frozenset({"observe", "review", "challenge"})


@dataclass
class Rendered:
    """A gateway's configuration.

    Attributes:
        config: JSON-able; empty where nothing can be applied.
        notes: what the format cannot express and what the reader must know before applying it. Never an account's id.
    """

    config: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Renderer(Protocol):
    """One format. It is asked for actions that a gateway takes, on at least one account."""

    def __call__(self, recommendation: Recommendation) -> Rendered:
        """The configuration that enforces a recommendation."""
        ...


def bound(recommendation: Recommendation) -> tuple[str, ...]:
    """Ids that are bound: of one key or end user where that is the subject, never the whole account that it abused."""
    subject = recommendation.subject
    return (subject.id,) if subject.kind in {"api_key", "end_user"} else subject.accounts


def shared(recommendation: Recommendation) -> bool:
    """Whether several accounts draw on one budget."""
    return recommendation.subject.kind in {"cluster", "org"}


def per_window(limit: Limit, window_s: int, among: int = 1) -> int:
    """A quota over another window, in seconds, of each of those who divide it; rounded up and never nothing."""
    return max(1, -(-limit.quota * window_s // (limit.window_s * among)))


def split(recommendation: Recommendation, known: Callable[[Limit], bool], notes: list[str], why: str) -> list[Limit]:
    """Limits that a format knows; the others are named in the notes.

    Args:
        recommendation: its limits.
        known: whether the format can express a limit.
        notes: gets a line for each that it cannot.
        why: what is missing, e.g. "Kong has no plugin for".
    """
    notes += [
        f"{why} {limit.unit}: {limit.quota} in {limit.window_s} s is left out."
        for limit in recommendation.limits
        if not known(limit)
    ]
    return [limit for limit in recommendation.limits if known(limit)]
