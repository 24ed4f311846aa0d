"""Masked skeletons for evidence: the only words that leave a batch, and only those that unrelated payers share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from detector.alerts.later import Later
from detector.coordination.keys import KINDS, SYSTEM, TEMPLATE
from detector.profiles.facts import AccountBook
from detector.profiles.layout import I64, U32, Columns
from detector.profiles.store import ProfileStore
from detector.profiles.text import common_skeleton

LEAST_PAYERS = 5  # unrelated payers and organisations that must share a text before its fixed words may be shown
MOST_TEXTS = 12  # compared to find the fixed words
MOST_SHOWN = 4  # texts in the evidence of a case
ZERO = "zero"  # retention of exchanges of whose texts no word is shown
Rows = np.ndarray[tuple[int], np.dtype[np.intp]]
Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]


class Shared(NamedTuple):
    """A text that members of a case share.

    Attributes:
        kind: of link, `KINDS`.
        key: short hash.
        accounts: members that share it.
    """

    kind: int
    key: int
    accounts: int


def evidence(texts: Sequence[Shared], found: Mapping[tuple[int, int], str]) -> list[dict[str, Any]]:
    """The fixed words of a case's texts as its evidence shows them, each once.

    Args:
        texts: what most members share first.
        found: masked words by kind and key, empty where there are none.
    """
    out: list[dict[str, Any]] = []
    for kind, key, accounts in texts:
        text = found.get((kind, key))
        if text and all(text != s["text"] for s in out):
            out.append({"text": text, "kind": KINDS[kind], "accounts": accounts})
    return out[:MOST_SHOWN]


def owners_of(book: AccountBook, store: ProfileStore, columns: Columns, now: int) -> tuple[I64, I64]:
    """Payer and organisation of each exchange, the account itself where one is not known; i64[exchanges] each.

    Args:
        book: account facts.
        store: profiles.
        columns: of a batch.
        now: event time as of which facts hold, µs.
    """
    facts = book.as_of(store.accounts.ident[columns.slot], now, columns.organisation)
    own = -1 - columns.slot.astype(np.int64)
    payer, of = (np.where(known != 0, known.astype(np.int64), own) for known in (facts.payment, facts.organisation))
    return payer, of


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

    def shown(self, texts: Sequence[Shared]) -> list[dict[str, Any]] | Later:
        """What the evidence of a case shows of its texts; those of which nothing was found yet are asked for."""
        for text in texts:
            self.want(text.kind, text.key)
        return evidence(texts, self.found)

    def has_texts(self, frame: pl.DataFrame) -> bool:
        """Whether a batch can be searched."""
        return "prompt" in frame.columns

    def showable(self, frame: pl.DataFrame) -> Mask:
        """Of which exchanges of a batch words may be shown at all."""
        return frame.select(~zero_retention()).to_series().to_numpy()

    def settle(self) -> None:
        """The end of a replay: from here on `found` holds all that is ever found."""

    def fixed_words(self, frame: pl.DataFrame, kind: int, key: int, rows: Rows) -> str:  # noqa: ARG002 - others need the key
        """Masked words that all of some exchanges share.

        Args:
            frame: a batch.
            kind: of link.
            key: of the text.
            rows: of exchanges that have it.
        """
        return common_skeleton(texts_of(frame, kind).gather(rows).to_list())

    def look(self, frame: pl.DataFrame, columns: Columns, owners: Sequence[I64]) -> None:
        """Search a batch for wanted templates.

        Args:
            frame: the batch, for its texts.
            columns: the same batch as hashes.
            owners: i64[n] each, payer and organisation of each exchange; accounts that share one of them are related.
        """
        showable = self.showable(frame)
        for kind, key in sorted(self.wanted):
            rows = rows_with(columns, kind, np.uint32(key))
            rows = rows[showable[rows]]
            if rows.size == 0:
                continue
            rows = _unrelated(rows, owners)
            if rows.size < LEAST_PAYERS:
                continue
            self.found[kind, key] = self.fixed_words(frame, kind, key, rows[:MOST_TEXTS])
        self.wanted -= self.found.keys()


def _unrelated(rows: Rows, owners: Sequence[I64]) -> Rows:
    """Rows no two of which have a payer or an organisation in common: an office with a card for each person is one owner."""
    for owner in owners:
        _, first = np.unique(owner[rows], return_index=True)
        rows = rows[np.sort(first)]
    return rows


def zero_retention() -> pl.Expr:
    """Whether whoever sent an exchange was promised that nothing of it is kept; where the log does not say so, nobody was."""
    return pl.col("retention").str.strip_chars().str.to_lowercase().eq_missing(pl.lit(ZERO))


def texts_of(frame: pl.DataFrame, kind: int) -> pl.Series:
    """The texts of a batch that a kind of link is about."""
    return frame.get_column("prompt" if kind == TEMPLATE else "system_prompt")


def rows_with(columns: Columns, kind: int, key: np.uint32) -> Rows:
    """Exchanges of a batch that have a text.

    Args:
        columns: the batch as hashes.
        kind: of link.
        key: short hash of the text.
    """
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
