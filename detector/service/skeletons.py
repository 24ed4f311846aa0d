"""Masked skeletons for evidence: the only words that leave a batch, and only those that unrelated payers share."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from detector.coordination.keys import SYSTEM, TEMPLATE
from detector.profiles.layout import I64, U32, Columns
from detector.profiles.text import common_skeleton

LEAST_PAYERS = 5  # unrelated payers and organisations that must share a text before its fixed words may be shown
MOST_TEXTS = 12  # compared to find the fixed words
Rows = np.ndarray[tuple[int], np.dtype[np.intp]]


@dataclass
class SkeletonBank:
    """Fixed words of the templates that open alerts stand on, taken while their batch is in memory.

    Attributes:
        wanted: (kind, key) that an alert asked for and that nothing was found for yet.
        found: masked words by (kind, key).
    """

    wanted: set[tuple[int, int]] = field(default_factory=set)
    found: dict[tuple[int, int], str] = field(default_factory=dict)

    def want(self, kind: int, key: int) -> None:
        """Ask for a template's fixed words."""
        if (kind, key) not in self.found:
            self.wanted.add((kind, key))

    def look(self, frame: pl.DataFrame, columns: Columns, owners: Sequence[I64]) -> None:
        """Search a batch for wanted templates.

        Args:
            frame: the batch, for its texts.
            columns: the same batch as hashes.
            owners: i64[n] each, payer and organisation of each exchange; accounts that share one of them are related.
        """
        for kind, key in sorted(self.wanted):
            rows = _rows_with(columns, kind, np.uint32(key))
            if rows.size == 0:
                continue
            rows = _unrelated(rows, owners)
            if rows.size < LEAST_PAYERS:
                continue
            chosen = rows[:MOST_TEXTS]
            texts = frame.get_column("prompt" if kind == TEMPLATE else "system_prompt").gather(chosen).to_list()
            self.found[kind, key] = common_skeleton(texts)
        self.wanted -= self.found.keys()


def _unrelated(rows: Rows, owners: Sequence[I64]) -> Rows:
    """Rows no two of which have a payer or an organisation in common: an office with a card for each person is one owner."""
    for owner in owners:
        _, first = np.unique(owner[rows], return_index=True)
        rows = rows[np.sort(first)]
    return rows


def _rows_with(columns: Columns, kind: int, key: np.uint32) -> Rows:
    if kind == SYSTEM:
        return np.flatnonzero((columns.system >> np.uint64(32)).astype(np.uint32) == key)
    hits: list[Rows] = [
        np.flatnonzero(columns.prefix == key),
        np.flatnonzero(columns.suffix == key),
        _shingle_rows(columns.shingles, columns, key),
    ]
    return np.unique(np.concatenate(hits))


def _shingle_rows(shingles: U32, columns: Columns, key: np.uint32) -> Rows:
    at = np.flatnonzero(shingles == key)
    return np.searchsorted(columns.shingle_offsets, at, side="right") - 1
