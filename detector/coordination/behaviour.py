"""What accounts did within the window, for questions that are asked of all of them: counts and lengths, nothing else."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from detector.profiles.layout import (
    COUNT,
    DAY_US,
    F32,
    F64,
    I32,
    I64,
    N_CAPABILITIES,
    PANE_US,
    PANES,
    WINDOW_US,
    Accounts,
    Panes,
)
from detector.profiles.store import ProfileStore

Counts = npt.NDArray[np.int32]
_REQUESTS = COUNT["requests"]


class Behaviour(NamedTuple):
    """One row an account.

    Attributes:
        counts: i32[n, COUNTS].
        lengths: i32[n, bins] of requests by input length, and by output length.
        capability: f32[n, CAPABILITIES], what the requests are after, sums of probabilities × 255.
        days: f64[n], for which each has worked, as `lasted` has it.
    """

    counts: Counts
    lengths: tuple[Counts, Counts]
    capability: F32
    days: F64

    @property
    def requests(self) -> F64:
        """Requests of each account; f64[n]."""
        return self.counts[:, COUNT["requests"]].astype(np.float64)

    def of(self, rows: npt.NDArray[np.int64]) -> "Behaviour":
        """Some of the accounts."""
        lengths = self.lengths[0][rows], self.lengths[1][rows]
        return Behaviour(self.counts[rows], lengths, self.capability[rows], self.days[rows])

    def share(self, *flags: str) -> F64:
        """Shares of each account's requests that have these flags; f64[n, flags]."""
        held = self.counts[:, [COUNT[flag] for flag in flags]]
        return np.asarray(held / np.maximum(self.requests, 1.0)[:, None], np.float64)


@njit(cache=True, nogil=True)
def _gather(
    accounts: Accounts, panes: Panes, slots: I32, index: int, counts: Counts, sent: Counts, got: Counts, capability: F32
) -> None:
    for i in range(slots.shape[0]):
        for place in range(PANES):
            row = accounts.pane[slots[i], place]
            if row < 0 or panes.index[row] <= index - PANES:
                continue
            for j in range(counts.shape[1]):
                counts[i, j] += panes.counts[row, j]
            for b in range(sent.shape[1]):
                sent[i, b] += panes.lengths_in[row, b]
                got[i, b] += panes.lengths_out[row, b]
            for c in range(capability.shape[1]):
                capability[i, c] += panes.capability[row, c]


def lasted(first: I64, last: I64, requests: F64) -> F64:
    """Days that accounts have worked for, at least one and at most the window; f64[n].

    The time between the first and the last request is less than that, and the more so the fewer there are: what people ask who
    ask little would look level a day. Of n times over a period the range is (n - 1) / (n + 1) of it, which is made up for (the
    unbiased estimate of the range of a uniform distribution).

    Args:
        first: i64[n], event time of the first request, µs.
        last: i64[n], of the last one.
        requests: f64[n].
    """
    whole = (last - first) * (requests + 1.0) / np.maximum(requests - 1.0, 1.0)
    return np.asarray(np.clip(whole / DAY_US, 1.0, WINDOW_US / DAY_US), np.float64)


def behaviour_of(store: ProfileStore, slots: I32, now: int) -> Behaviour:
    """Behaviour of accounts at a moment.

    Args:
        store: profiles.
        slots: i32[n].
        now: event time, µs.
    """
    panes = store.panes
    shape = panes.counts.shape[1], panes.lengths_in.shape[1], panes.lengths_out.shape[1]
    counts, sent, got = (np.zeros((slots.size, width), np.int32) for width in shape)
    capability = np.zeros((slots.size, N_CAPABILITIES), np.float32)
    _gather(store.accounts, panes, slots, now // PANE_US, counts, sent, got, capability)
    asked = counts[:, COUNT["requests"]].astype(np.float64)
    days = lasted(store.accounts.first[slots], store.accounts.last[slots], asked)
    return Behaviour(counts, (sent, got), capability, days)


def requests_of(store: ProfileStore) -> int:
    """Requests of all accounts within the window."""
    panes = store.panes
    return int(panes.counts[:, _REQUESTS].sum(dtype=np.int64, where=panes.slot >= 0))


@njit(cache=True, nogil=True)
def _requests(accounts: Accounts, panes: Panes, slots: I32, index: int, out: I64) -> None:
    for i in range(slots.shape[0]):
        for place in range(PANES):
            row = accounts.pane[slots[i], place]
            if row >= 0 and panes.index[row] > index - PANES:
                out[i] += panes.counts[row, _REQUESTS]


def requests_of_each(store: ProfileStore, slots: I32, now: int) -> I64:
    """Requests of each account within the window; i64[n].

    Args:
        store: profiles.
        slots: i32[n].
        now: event time, µs.
    """
    out = np.zeros(slots.size, np.int64)
    _requests(store.accounts, store.panes, slots, now // PANE_US, out)
    return out
