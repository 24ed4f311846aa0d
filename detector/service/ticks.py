"""The clock of a stream: moments of event time at which scores are taken."""

from dataclasses import dataclass

ACCOUNT_US = 300_000_000  # accounts are scored every five minutes
COORDINATION_EVERY = 3  # and clusters at every third of those


@dataclass
class Clock:
    """Ticks aligned to the epoch, so that the same log gives the same ticks wherever it is cut.

    Attributes:
        every: µs between ticks.
        coordination_every: ticks between looks at clusters.
        next: the coming tick, 0 before the first record.
    """

    every: int = ACCOUNT_US
    coordination_every: int = COORDINATION_EVERY
    next: int = 0

    def start(self, ts: int) -> None:
        """Set the first tick by the first record."""
        if self.next == 0:
            self.next = ts // self.every * self.every + self.every

    def advance(self, ts: int) -> None:
        """Go on to the tick after `ts`; moments without records in between need no look."""
        self.next = max(self.next + self.every, ts // self.every * self.every + self.every)

    def coordinates(self, now: int) -> bool:
        """Whether clusters are looked for at this tick."""
        return (now // self.every) % self.coordination_every == 0
