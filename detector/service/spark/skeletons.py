"""Masked skeletons of texts that no driver sees: whose they are is decided at once, their words are fetched at the end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from detector.alerts.later import Later
from detector.service.skeletons import Mask, Rows, Shared, SkeletonBank, evidence
from detector.service.spark.packed import PLACE, SHOWABLE
from detector.service.spark.tasks import Ask

Fetch = Callable[[Sequence[Ask]], Sequence[str]]


@dataclass(kw_only=True)
class FarSkeletons(SkeletonBank):
    """Finds the same words as `SkeletonBank`, a little later.

    Attributes:
        fetch: has executors read the texts, and gives their fixed words.
        asked: texts whose exchanges are known and whose words are not; `found` holds an empty text for each.
    """

    fetch: Fetch
    asked: list[Ask] = field(default_factory=list)

    def shown(self, texts: Sequence[Shared]) -> list[dict[str, Any]] | Later:
        """What the evidence of a case shows of the texts that were found by now."""
        for text in texts:
            self.want(text.kind, text.key)
        known = [text for text in texts if (text.kind, text.key) in self.found]
        return Fetched(self, known) if known else []

    def has_texts(self, frame: pl.DataFrame) -> bool:
        """Whether the places of its exchanges are known."""
        return PLACE[0] in frame.columns

    def showable(self, frame: pl.DataFrame) -> Mask:
        """As the executor that read them saw."""
        return frame.get_column(SHOWABLE).to_numpy()

    def fixed_words(self, frame: pl.DataFrame, kind: int, key: int, rows: Rows) -> str:
        """None yet; they are asked for."""
        self.asked.append(Ask(kind, key, tuple(frame.select(PLACE)[rows].iter_rows())))
        return ""

    def settle(self) -> None:
        """Fetch the words of all texts that were asked for."""
        asked, self.asked = self.asked, []
        if asked:
            for ask, words in zip(asked, self.fetch(asked), strict=True):
                self.found[ask.kind, ask.key] = words


class Fetched(Later):
    """The texts of a case whose words are still in the log.

    Attributes:
        bank: knows them once it has settled.
        texts: what most members share first.
    """

    def __init__(self, bank: FarSkeletons, texts: Sequence[Shared]) -> None:
        self.bank, self.texts = bank, texts

    @classmethod
    def make(cls, several: Sequence[Later]) -> None:
        """Settle the bank, and show what it found."""
        for each in several:
            if isinstance(each, Fetched):
                each.bank.settle()
                each.made = evidence(each.texts, each.bank.found)
