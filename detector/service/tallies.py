"""One key's or end user's exchanges with and without a text, and whose it is where several were counted."""

from typing import Final, NamedTuple

import numpy as np

from detector.profiles.layout import F64, I64

LEAST: Final = 10  # exchanges with such a text, before anything is said
NATS: Final = 6.9  # log odds of a thousand to one
MOST: Final = 0.9  # of the exchanges with the text are of those that are named
FEW: Final = 5  # end users that may be bound in place of their account, ever
REST: Final = ""  # of the tallies: all that came when there were enough; never named


class Tally(NamedTuple):
    """One key's or user's exchanges with and without a text of the cluster, and event times of the first and the last, µs."""

    carrying: int
    other: int
    first: int = 0
    last: int = 0

    def more(self, carrying: int, other: int, first: int, last: int) -> "Tally":
        """The same with some more."""
        begun = min(self.first, first) if self.first else first
        return Tally(self.carrying + carrying, self.other + other, begun, max(self.last, last))


def few(tallies: dict[str, Tally], names: list[str], lasting: int) -> bool:
    """Whether end users are few, and others, as many at least, were seen for so long."""
    others = sum(t.last - t.first >= lasting for name, t in tallies.items() if name not in {*names, REST})
    return len(names) <= FEW and others >= len(names)


def split(tallies: dict[str, Tally]) -> tuple[float, list[str]]:
    """Nats beyond what is asked for, and who carries; 0 and nobody where one rate explains it all."""
    total, every = sum(t.carrying for t in tallies.values()), sum(_size(t) for t in tallies.values())
    if len(tallies) < 2 or total < LEAST or total == every:  # noqa: PLR2004 - one key is the account's
        return 0.0, []
    names = sorted(tallies, key=lambda name: (-tallies[name].carrying / max(_size(tallies[name]), 1), name))
    carrying = np.cumsum([tallies[name].carrying for name in names])[:-1]
    size = np.cumsum([_size(tallies[name]) for name in names])[:-1]
    nats = (
        _likelihood(carrying, size)
        + _likelihood(total - carrying, every - size)
        - _likelihood(np.array([total]), np.array([every]))
        - np.log(len(names) - 1)
        - NATS
    )
    nats[carrying < MOST * total] = 0.0
    best = int(np.argmax(nats))
    return (float(nats[best]), sorted(names[: best + 1])) if nats[best] > 0 else (0.0, [])


def _size(tally: Tally) -> int:
    return tally.carrying + tally.other


def _likelihood(hits: I64, n: I64) -> F64:
    """Log likelihood of so many hits at their own rate."""
    rate = hits / np.maximum(n, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.nan_to_num(hits * np.log(rate)) + np.nan_to_num((n - hits) * np.log1p(-rate)), np.float64)
