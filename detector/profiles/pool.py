"""Pooling: the panes of one account, or of all members of a cluster, added up into one row."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

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
    TEMPLATE_KEYS,
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


def empty_pooled(n: int) -> Pooled:
    """`n` groups without traffic."""

    def counts(*shape: int) -> I64:
        return np.zeros((n, *shape), np.int64)

    return Pooled(
        members=counts(),
        counts=counts(len(COUNTS)),
        tokens=counts(2),
        capability=counts(N_CAPABILITY_SUMS),
        gap_sums=np.zeros((n, 2)),
        peak=counts(),
        hours=counts(24),
        active=counts(),
        gaps=counts(GAP_BINS),
        lengths_in=counts(LENGTH_BINS),
        lengths_out=counts(LENGTH_BINS),
        lexical=counts(LEXICAL_BINS),
        prompts=np.zeros((n, PROMPT_REGISTERS), np.uint8),
        skeletons=np.zeros((n, SKELETON_REGISTERS), np.uint8),
        bitmaps=np.zeros((n, len(BITMAPS)), np.uint64),
        models=counts(MODEL_BINS),
        decayed=np.zeros((n, N_DECAYED)),
        first=counts(),
        last=counts(),
        template=counts(),
        texts=counts(),
        key=counts(),
        keyed=counts(),
        user=counts(),
        used=counts(),
    )


@njit(cache=True)
def popcount(word: int) -> int:
    """Bits set in a 64-bit word."""
    w = np.uint64(word)
    count = 0
    while w != 0:
        w &= w - np.uint64(1)
        count += 1
    return count


@njit(cache=True, inline="always")
def _add(into: I64, row: np.ndarray) -> None:
    # A slice assignment would make a temporary array each time.
    for j in range(into.shape[0]):
        into[j] += row[j]


@njit(cache=True)
def _add_pane(panes: Panes, row: int, out: Pooled, g: int) -> None:
    _add(out.counts[g], panes.counts[row])
    _add(out.tokens[g], panes.tokens[row])
    _add(out.capability[g], panes.capability[row])
    _add(out.gap_sums[g], panes.gap_sums[row])
    out.peak[g] = max(out.peak[g], panes.minute[row, 4])
    _add(out.hours[g], panes.hours[row])
    _add(out.gaps[g], panes.gaps[row])
    _add(out.lengths_in[g], panes.lengths_in[row])
    _add(out.lengths_out[g], panes.lengths_out[row])
    _add(out.lexical[g], panes.lexical[row])
    _add(out.models[g], panes.models[row])
    for j in range(SLOT_WORDS):
        out.active[g] += popcount(panes.active[row, j])
    for j in range(PROMPT_REGISTERS):
        out.prompts[g, j] = max(out.prompts[g, j], panes.prompts[row, j])
    for j in range(SKELETON_REGISTERS):
        out.skeletons[g, j] = max(out.skeletons[g, j], panes.skeletons[row, j])
    for j in range(panes.bitmaps.shape[1]):
        out.bitmaps[g, j] |= panes.bitmaps[row, j]


@njit(cache=True, nogil=True)
def pool(accounts: Accounts, panes: Panes, members: I32, offsets: I64, index: int, out: Pooled) -> None:
    """Add up the panes newer than `index − PANES` of each group.

    Args:
        accounts: the store's arrays.
        panes: the same.
        members: slots, all groups one after the other.
        offsets: i64[groups + 1], where each group's members start.
        index: pane index of the moment.
        out: receives the sums; made by `empty_pooled`.
    """
    for g in range(offsets.shape[0] - 1):
        for m in range(offsets[g], offsets[g + 1]):
            slot = members[m]
            out.members[g] += 1
            for place in range(PANES):
                row = accounts.pane[slot, place]
                if row >= 0 and panes.index[row] > index - PANES:
                    _add_pane(panes, row, out, g)
            _add(out.decayed[g], accounts.decayed[slot])
            if out.first[g] == 0 or accounts.first[slot] < out.first[g]:
                out.first[g] = accounts.first[slot]
            out.last[g] = max(out.last[g], accounts.last[slot])
            best = 0
            for j in range(TEMPLATE_KEYS):
                best = max(best, accounts.template_count[slot, j])
            out.template[g] += best
            out.texts[g] += accounts.texts[slot]
            out.key[g] += accounts.key_count[slot].max()
            out.keyed[g] += accounts.key_count[slot].sum()
            out.user[g] += accounts.user_count[slot].max()
            out.used[g] += accounts.user_count[slot].sum()


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
    """Rows of groups from the rows of their members, which lie one after the other.

    Args:
        each: one row a member.
        offsets: i64[groups + 1], where each group starts; no group is empty.
    """
    starts = offsets[:-1]

    def join(name: str, column: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> np.ndarray:
        how = (
            np.maximum
            if name in _LARGEST
            else np.minimum
            if name in _SMALLEST
            else np.bitwise_or
            if name in _UNION
            else np.add
        )
        return how.reduceat(column, starts, axis=0)

    columns: list[np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = list(each)
    return Pooled(*(join(name, column) for name, column in zip(Pooled._fields, columns, strict=True)))
