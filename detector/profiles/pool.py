"""Pooling: the panes of one account, or of all members of a cluster, added up into one row."""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from detector.profiles.bits import ones
from detector.profiles.layout import (
    BITMAPS,
    COUNTS,
    F64,
    GAP_BINS,
    I32,
    I64,
    LENGTH_BINS,
    LEXICAL_BINS,
    MODEL_BINS,
    N_CAPABILITY_SUMS,
    N_DECAYED,
    PANES,
    PROMPT_REGISTERS,
    SKELETON_REGISTERS,
    SLOT_WORDS,
    U8,
    U64,
    Accounts,
    Panes,
)


class Pooled(NamedTuple):
    """Sums over the panes of each group's members within the window; one row a group.

    `active` counts ten-minute slots with traffic over members; `template`, `key` and `user` are sums of each member's heaviest
    entry, `keyed` and `used` of all entries.
    """

    members: I64
    counts: I64
    tokens: I64
    capability: I64
    gap_sums: F64
    peak: I64
    hours: I64
    active: I64
    gaps: I64
    lengths_in: I64
    lengths_out: I64
    lexical: I64
    prompts: U8
    skeletons: U8
    bitmaps: U64
    models: I64
    decayed: F64
    first: I64
    last: I64
    template: I64
    texts: I64
    key: I64
    keyed: I64
    user: I64
    used: I64


# Widths of the columns that are wide.
WIDE = {
    "counts": len(COUNTS),
    "tokens": 2,
    "capability": N_CAPABILITY_SUMS,
    "gap_sums": 2,
    "hours": 24,
    "gaps": GAP_BINS,
    "lengths_in": LENGTH_BINS,
    "lengths_out": LENGTH_BINS,
    "lexical": LEXICAL_BINS,
    "prompts": PROMPT_REGISTERS,
    "skeletons": SKELETON_REGISTERS,
    "bitmaps": len(BITMAPS),
    "models": MODEL_BINS,
}
_ADDED = tuple(name for name in WIDE if name not in ("prompts", "skeletons", "bitmaps"))
_TYPES = {"gap_sums": np.float64, "prompts": np.uint8, "skeletons": np.uint8, "bitmaps": np.uint64}


def empty_pooled(n: int, wide: Collection[str] = tuple(WIDE)) -> Pooled:
    """`n` groups without traffic; columns of `WIDE` that are not asked for have no width."""
    columns: dict[str, Any] = {name: np.zeros(n, np.int64) for name in Pooled._fields}
    for name, width in WIDE.items():
        columns[name] = np.zeros((n, width if name in wide else 0), _TYPES.get(name, np.int64))
    columns["decayed"] = np.zeros((n, N_DECAYED))
    return Pooled(**columns)


@njit(cache=True, nogil=True)
def _window(accounts: Accounts, panes: Panes, members: I32, offsets: I64, least: int, rows: I64, starts: I64) -> None:
    """Pane rows of each group that are newer than pane index `least`, and where those of each group start."""
    n = 0
    for g in range(offsets.shape[0] - 1):
        for m in range(offsets[g], offsets[g + 1]):
            for place in range(PANES):
                row = accounts.pane[members[m], place]
                if row >= 0 and panes.index[row] > least:
                    rows[n] = row
                    n += 1
        starts[g + 1] = n


# A column at a time: a small loop lets the processor fetch the next rows while it adds, one over all columns does not.
@njit(cache=True, nogil=True)
def _add(column: np.ndarray, rows: np.ndarray, starts: I64, out: np.ndarray) -> None:
    for g in range(out.shape[0]):
        for r in range(starts[g], starts[g + 1]):
            row = rows[r]  # by itself: it might lie in what is written
            for j in range(out.shape[1]):
                out[g, j] += column[row, j]


@njit(cache=True, nogil=True)
def _highest(column: np.ndarray, rows: np.ndarray, starts: I64, out: np.ndarray) -> None:
    for g in range(out.shape[0]):
        for r in range(starts[g], starts[g + 1]):
            row = rows[r]
            for j in range(out.shape[1]):
                out[g, j] = max(out[g, j], column[row, j])


@njit(cache=True, nogil=True)
def _pane_bits(panes: Panes, rows: I64, starts: I64, out: Pooled) -> None:
    for g in range(out.peak.shape[0]):
        for r in range(starts[g], starts[g + 1]):
            row = rows[r]
            out.peak[g] = max(out.peak[g], panes.minute[row, 4])
            for j in range(SLOT_WORDS):
                out.active[g] += ones(panes.active[row, j])
            for j in range(out.bitmaps.shape[1]):
                out.bitmaps[g, j] |= panes.bitmaps[row, j]


@njit(cache=True, inline="always")
def _heaviest(counts: np.ndarray, slot: int) -> tuple[int, int]:
    best, total = 0, 0
    for j in range(counts.shape[1]):
        best = max(best, int(counts[slot, j]))
        total += int(counts[slot, j])
    return best, total


@njit(cache=True, nogil=True)
def _of_accounts(accounts: Accounts, members: I32, offsets: I64, out: Pooled) -> None:
    for g in range(offsets.shape[0] - 1):
        out.members[g] = offsets[g + 1] - offsets[g]
        for m in range(offsets[g], offsets[g + 1]):
            slot = members[m]
            if out.first[g] == 0 or accounts.first[slot] < out.first[g]:
                out.first[g] = accounts.first[slot]
            out.last[g] = max(out.last[g], accounts.last[slot])
            out.template[g] += _heaviest(accounts.template_count, slot)[0]
            out.texts[g] += accounts.texts[slot]
            best, total = _heaviest(accounts.key_count, slot)
            out.key[g] += best
            out.keyed[g] += total
            best, total = _heaviest(accounts.user_count, slot)
            out.user[g] += best
            out.used[g] += total


def pool(
    accounts: Accounts, panes: Panes, members: I32, offsets: I64, index: int, wide: Collection[str] = tuple(WIDE)
) -> Pooled:
    """Add up the panes newer than `index − PANES` of each group.

    Args:
        accounts: the store's arrays.
        panes: the same.
        members: slots, all groups one after the other.
        offsets: i64[groups + 1], where each group's members start.
        index: pane index of the moment.
        wide: columns of `WIDE` that are wanted; the others have no width.
    """
    out = empty_pooled(offsets.shape[0] - 1, wide)
    rows, starts = np.empty(PANES * members.shape[0], np.int64), np.zeros(offsets.shape[0], np.int64)
    _window(accounts, panes, members, offsets, index - PANES, rows, starts)
    for name in _ADDED:
        _add(getattr(panes, name), rows, starts, getattr(out, name))
    _highest(panes.prompts, rows, starts, out.prompts)
    _highest(panes.skeletons, rows, starts, out.skeletons)
    _pane_bits(panes, rows, starts, out)
    _add(accounts.decayed, members, offsets, out.decayed)
    _of_accounts(accounts, members, offsets, out)
    return out


def rows_of(columns: tuple[np.ndarray[Any, Any], ...], rows: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """The same rows of every column of a table.

    Args:
        columns: arrays of one length, such as `Pooled`.
        rows: places or a mask.
    """
    return [column[rows] for column in columns]


_LARGEST = ("prompts", "skeletons", "peak", "last")
_SMALLEST = ("first",)
_UNION = ("bitmaps",)


def gathered(each: Pooled, offsets: I64) -> Pooled:
    """Rows of groups from the rows of their members, which lie one after the other; arguments as of `columns_of_groups`."""
    return Pooled(**columns_of_groups(each, offsets, Pooled._fields))


def columns_of_groups(each: Pooled, offsets: I64, names: Collection[str]) -> dict[str, np.ndarray[Any, Any]]:
    """Columns of groups, by name, from the rows of their members, which lie one after the other.

    Args:
        each: one row a member.
        offsets: i64[groups + 1], where each group starts; no group is empty.
        names: of the columns.
    """
    starts, rows = offsets[:-1], np.arange(offsets[-1])

    def join(name: str, column: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> np.ndarray:
        if name in _SMALLEST:
            return np.minimum.reduceat(column, starts)
        if name in _UNION:
            return np.bitwise_or.reduceat(column, starts, axis=0)
        if column.dtype.kind == "f":
            return np.add.reduceat(column, starts, axis=0)
        wide = column.reshape(column.shape[0], -1)
        out = np.zeros((starts.size, wide.shape[1]), column.dtype)
        (_highest if name in _LARGEST else _add)(wide, rows, offsets, out)
        return out.reshape(starts.size, *column.shape[1:])

    return {name: join(name, getattr(each, name)) for name in names}
