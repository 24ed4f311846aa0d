"""Where an analyst reads the original: the log's own pointers (`log_ref`) to a few exchanges of each account that has an alert.

They are noted from the alert on, since nobody can keep those of all accounts: of exchanges that carry the text of the account's
cluster, or else the latest ones.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from detector.alerts.entry import Entry
from detector.profiles.layout import I32, I64, Columns, Flags, grown
from detector.service.looks import Taken

MOST: Final = 3  # of an account
LONGEST: Final = 256  # characters; a longer one may lead nowhere when it is cut, and is left out
COLUMN: Final = "log_ref"


class Ref(NamedTuple):
    """A pointer, with what it is chosen by: whether its exchange carries the cluster's text, and event time in µs."""

    carrying: bool
    ts: int
    ref: str


@dataclass
class References:
    """Pointers of alerted accounts.

    Attributes:
        refs: the best first, by account id.
        since: event time of the alert, µs, by slot; 0 where there is none.
    """

    refs: dict[str, list[Ref]] = field(default_factory=dict)
    since: I64 = field(default_factory=lambda: np.zeros(0, np.int64))

    def watch(self, slots: I32, now: int) -> None:
        """Note those of accounts from now on (µs)."""
        if slots.size:
            self.since = grown(self.since, int(slots.max()) + 1, 0)
            self.since[slots[self.since[slots] == 0]] = now

    def note(self, taken: Sequence[Taken], carrying: Callable[[Columns, I64], Flags]) -> None:
        """Take the pointers of exchanges of watched accounts.

        Args:
            taken: parts of batches, in time order.
            carrying: which rows of a batch carry the text of their account's cluster.
        """
        for _, run in groupby(taken, lambda part: id(part.columns)):
            parts = list(run)
            frame, columns = parts[0].frame, parts[0].columns
            if COLUMN in frame.columns:
                rows = self._rows(columns, parts[0].start, parts[-1].stop, frame[COLUMN])
                if rows.size:
                    self._take(columns, rows, frame, carrying(columns, rows))

    def _rows(self, columns: Columns, start: int, stop: int, refs: pl.Series) -> I64:
        """Rows of watched accounts that have a pointer of a sound length."""
        slot = columns.slot[start:stop]
        near = start + np.flatnonzero(slot < self.since.size)
        since = self.since[columns.slot[near]]
        near = near[(since > 0) & (columns.ts[near] >= since)]
        length = refs.gather(near).str.len_chars().fill_null(0).to_numpy()
        return near[(length > 0) & (length <= LONGEST)]

    def _take(self, columns: Columns, rows: I64, frame: pl.DataFrame, carries: Flags) -> None:
        order = np.lexsort((columns.ts[rows], carries, columns.slot[rows]))[::-1]
        slot = columns.slot[rows[order]]
        first = np.flatnonzero(np.append(True, slot[1:] != slot[:-1]))
        place = np.arange(slot.size) - np.repeat(first, np.diff(np.append(first, slot.size)))
        chosen = order[place < MOST]
        told = zip(
            frame["account_id"].gather(rows[chosen]).to_list(),
            carries[chosen].tolist(),
            columns.ts[rows[chosen]].tolist(),
            frame[COLUMN].gather(rows[chosen]).to_list(),
            strict=True,
        )
        for one, carry, ts, ref in told:  # over alerted accounts, a few each
            self.refs[one] = sorted({*self.refs.get(one, ()), Ref(carry, ts, ref)}, reverse=True)[:MOST]

    def tell(self, entries: Iterable[Entry]) -> None:
        """Write them into alerts: those that carry the text where an account has such, the latest first."""
        for entry in entries:
            for account in entry.named.keys() & self.refs.keys():
                found = self.refs[account]
                entry.refs[account] = [r.ref for r in found if r.carrying or not found[0].carrying]

    def forget(self, slot: int, account: str) -> None:
        """Let go of an account."""
        self.refs.pop(account, None)
        if slot < self.since.size:
            self.since[slot] = 0
