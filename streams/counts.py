"""What became of every record: nothing is lost silently."""

from dataclasses import dataclass


@dataclass
class Counts:
    """Records by fate.

    Attributes:
        read: all.
        accepted: went on.
        duplicates: seen before within 24 h.
        dead_lettered: could not be read.
        skipped: outside the time asked for, or foreign and of no exchange; not part of `read`.
    """

    read: int = 0
    accepted: int = 0
    duplicates: int = 0
    dead_lettered: int = 0
    skipped: int = 0

    def check(self) -> None:
        """Hold the books to account.

        Raises:
            RuntimeError: `read = accepted + duplicates + dead_lettered` does not hold.
        """
        if self.read != self.accepted + self.duplicates + self.dead_lettered:
            raise RuntimeError(f"records were lost: {self}")
