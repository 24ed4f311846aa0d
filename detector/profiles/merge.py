"""Merge of two stores: what two processes saw of the same accounts, as one.

Exact for counts, histograms (below saturation), bitmaps and registers in any split; to 1e-9 relative for decayed sums; gaps and
minutes are exact when the parts do not interleave in time within an account (a split by account or by time); the Misra–Gries
tables within their stated error (Agarwal et al., Mergeable Summaries, PODS 2012).
"""

import numpy as np
import polars as pl
from numba import njit

from detector.profiles.kernels import bottom, bump, gap_bin, one_of, pane_row
from detector.profiles.layout import COUNT, DECAY_HOURS, I32, PANES, Accounts, Panes
from detector.profiles.store import ProfileStore

_GAPS = COUNT["gaps"]
_TOP = np.uint32(65_535)


@njit(cache=True)
def _add_saturating(into: np.ndarray, more: np.ndarray) -> None:
    for j in range(into.shape[0]):
        into[j] = np.uint16(min(_TOP, np.uint32(into[j]) + np.uint32(more[j])))


@njit(cache=True)
def _merge_heavy(keys: np.ndarray, counts: np.ndarray, more: np.ndarray, their: np.ndarray) -> None:
    # Sum, then subtract the (k+1)-th largest count, and keep what is left above zero.
    k = keys.shape[0]
    all_keys = np.zeros(2 * k, keys.dtype)
    all_counts = np.zeros(2 * k, np.int64)
    n = 0
    for j in range(k):
        if counts[j] > 0:
            all_keys[n], all_counts[n] = keys[j], counts[j]
            n += 1
    for j in range(k):
        if their[j] == 0:
            continue
        at = n
        for i in range(n):
            if all_keys[i] == more[j]:
                at = i
        all_keys[at] = more[j]
        all_counts[at] += their[j]
        n = max(n, at + 1)
    order = np.argsort(-all_counts[:n])
    cut = all_counts[order[k]] if n > k else 0
    keys[:] = 0
    counts[:] = 0
    for place in range(min(k, n)):
        i = order[place]
        if all_counts[i] > cut:
            keys[place] = all_keys[i]
            counts[place] = np.uint16(min(np.int64(_TOP), all_counts[i] - cut))


@njit(cache=True)
def _merge_bottom(keys: np.ndarray, more: np.ndarray) -> None:
    for key in more:
        if key != 0:
            bottom(keys, key)


@njit(cache=True)
def _merge_minutes(a: np.ndarray, b: np.ndarray) -> None:
    if b[0] == 0:
        return
    if a[0] == 0:
        a[:] = b
        return
    if b[0] < a[0]:
        early, late = b.copy(), a.copy()
    else:
        early, late = a.copy(), b.copy()
    joint = early[3] + late[1] if early[2] == late[0] else 0
    a[0], a[1] = early[0], early[1]
    if early[0] == late[0]:
        a[1] = early[1] + late[1]
    a[2], a[3] = late[2], late[3]
    if early[2] == late[2]:
        a[3] = early[3] + late[3]
    a[4] = max(early[4], late[4], joint)


@njit(cache=True)
def _merge_panes(accounts: Accounts, panes: Panes, free: np.ndarray, theirs: Panes, slots: I32) -> None:
    for r in range(theirs.slot.shape[0]):
        if theirs.slot[r] < 0:
            continue
        row = pane_row(accounts, panes, free, slots[theirs.slot[r]], theirs.index[r], False)
        if row < 0:
            continue
        panes.counts[row] += theirs.counts[r]
        panes.tokens[row] += theirs.tokens[r]
        panes.capability[row] += theirs.capability[r]
        panes.gap_sums[row] += theirs.gap_sums[r]
        _merge_minutes(panes.minute[row], theirs.minute[r])
        _add_saturating(panes.hours[row], theirs.hours[r])
        _add_saturating(panes.gaps[row], theirs.gaps[r])
        _add_saturating(panes.lengths_in[row], theirs.lengths_in[r])
        _add_saturating(panes.lengths_out[row], theirs.lengths_out[r])
        _add_saturating(panes.lexical[row], theirs.lexical[r])
        _add_saturating(panes.models[row], theirs.models[r])
        panes.active[row] |= theirs.active[r]
        panes.bitmaps[row] |= theirs.bitmaps[r]
        panes.prompts[row] = np.maximum(panes.prompts[row], theirs.prompts[r])
        panes.skeletons[row] = np.maximum(panes.skeletons[row], theirs.skeletons[r])


@njit(cache=True)
def _join_gap(a: Accounts, b: Accounts, slot: int, s: int, panes: Panes, row_of: np.ndarray) -> None:
    # Two stretches of one account that follow each other leave one gap between them.
    if a.first[slot] == 0 or a.last[slot] > b.first[s]:
        return
    row = -1
    for place in range(PANES):
        candidate = a.pane[slot, place]
        if candidate >= 0 and panes.index[candidate] == row_of[s]:
            row = candidate
    if row < 0:
        return
    gap = (b.first[s] - a.last[slot]) / 1e6
    panes.counts[row, _GAPS] += 1
    panes.gap_sums[row, 0] += gap
    panes.gap_sums[row, 1] += gap * gap
    bump(panes.gaps[row], gap_bin(gap))


@njit(cache=True)
def _merge_accounts(
    a: Accounts, b: Accounts, slots: I32, panes: Panes, first_pane: np.ndarray, scale: np.ndarray
) -> None:
    for s in range(slots.shape[0]):
        slot = slots[s]
        _join_gap(a, b, slot, s, panes, first_pane)
        for j in range(a.decayed.shape[1]):
            a.decayed[slot, j] += b.decayed[s, j] * scale[j % scale.shape[0]]
        if b.last[s] >= a.last[slot]:
            a.last_gap[slot] = b.last_gap[s]
        if a.first[slot] == 0 or b.first[s] < a.first[slot]:
            a.first[slot] = b.first[s]
        a.last[slot] = max(a.last[slot], b.last[s])
        a.texts[slot] += b.texts[s]
        one_of(a.organisation, slot, b.organisation[s])
        _merge_heavy(a.template_key[slot], a.template_count[slot], b.template_key[s], b.template_count[s])
        _merge_heavy(a.system_key[slot], a.system_count[slot], b.system_key[s], b.system_count[s])
        _merge_heavy(a.key_ident[slot], a.key_count[slot], b.key_ident[s], b.key_count[s])
        _merge_heavy(a.user_ident[slot], a.user_count[slot], b.user_ident[s], b.user_count[s])
        _merge_bottom(a.network[slot], b.network[s])
        _merge_bottom(a.tls[slot], b.tls[s])
        _merge_bottom(a.issued[slot], b.issued[s])
        _merge_bottom(a.presented[slot], b.presented[s])


def merge(into: ProfileStore, other: ProfileStore) -> ProfileStore:
    """Add `other` to `into`, which is changed and returned.

    Args:
        into: the earlier part where the two follow each other in time.
        other: the later part, or one of other accounts; not changed. Both use the same hash keys.
    """
    n = len(other)
    if n == 0:
        return into
    slots = into.slots_of(other.accounts.ident[:n], pl.Series(other.ids))
    for h in range(len(DECAY_HOURS)):
        into.align(h, int(other.landmarks[h]))
    scale = np.array(
        [
            2.0 ** ((int(other.landmarks[h]) - int(into.landmarks[h])) / (hours * 3.6e9))
            for h, hours in enumerate(DECAY_HOURS)
        ]
    )
    into.reserve(int((other.panes.slot >= 0).sum()))
    first_pane = other.accounts.first[:n] // into.pane_us
    _merge_panes(into.accounts, into.panes, into.free, other.panes, slots)
    _merge_accounts(into.accounts, other.accounts, slots, into.panes, first_pane, scale)
    return into
