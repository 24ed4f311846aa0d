"""The profile store: all accounts' state as arrays, updated by batches and read by pooling."""

import hashlib
from collections.abc import Collection
from typing import Any, TypeVar

import numpy as np
import polars as pl

from detector.profiles.kernels import free_row, majority, update
from detector.profiles.layout import (
    CONFLICT,
    DECAY_HOURS,
    HOUR_US,
    I32,
    I64,
    PANE_US,
    PANES,
    U32,
    U64,
    Accounts,
    Columns,
    Panes,
    empty_accounts,
    empty_panes,
)
from detector.profiles.pool import WIDE, Pooled, pool
from detector.profiles.slots import assign, rebuild

_Arrays = TypeVar("_Arrays", Accounts, Panes)

_FIRST_ACCOUNTS = 1024
_FIRST_PANES = 2048
_LOAD = 0.6  # of the hash table
_TEXT_BYTES = 57  # of a Python string beside its characters, and its place in a list
_LONGEST = 256  # half-lives before a landmark moves; 2**256 is far inside the range of a double


def _grown(old: _Arrays, new: _Arrays) -> _Arrays:
    """The larger arrays with the old rows copied in."""
    pairs: list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = list(zip(old, new, strict=True))
    for a, b in pairs:
        b[: a.shape[0]] = a
    return new


class ProfileStore:
    """Profiles of all accounts seen.

    Attributes:
        ids: account id of each slot.
        accounts, panes: the arrays, see `layout`.
        landmarks: i64[3], reference times of the decayed sums, µs.
        free: stack of free pane rows, its height in the last element.
    """

    pane_us = PANE_US

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.accounts: Accounts = empty_accounts(_FIRST_ACCOUNTS)
        self.panes: Panes = empty_panes(_FIRST_PANES)
        self.landmarks: I64 = np.zeros(len(DECAY_HOURS), np.int64)
        self.free: I64 = np.append(np.arange(_FIRST_PANES - 1, -1, -1), _FIRST_PANES)
        self._keys: U64 = np.zeros(4 * _FIRST_ACCOUNTS, np.uint64)
        self._slots: I32 = np.zeros(4 * _FIRST_ACCOUNTS, np.int32)
        self._expired = 0
        self._id_bytes = 0

    def __len__(self) -> int:
        return len(self.ids)

    def slots_of(self, idents: U64, account_ids: pl.Series) -> I32:
        """Slots of a batch's accounts; new accounts get the next ones.

        Args:
            idents: u64[n] keyed hashes of `account_ids`.
            account_ids: n strings.

        Returns:
            i32[n].
        """
        n = idents.shape[0]
        needed = len(self.ids) + account_ids.n_unique()
        if needed > _LOAD * self._keys.shape[0]:
            size = 1 << int(needed / _LOAD).bit_length()
            self._keys, self._slots = np.zeros(size, np.uint64), np.zeros(size, np.int32)
            rebuild(self._keys, self._slots, self.accounts.ident[: len(self.ids)])
        out, first = np.empty(n, np.int32), np.empty(n, np.int32)
        before = len(self.ids)
        used = assign(self._keys, self._slots, idents, before, out, first)
        new = first[: used - before]
        if used > self.accounts.ident.shape[0]:
            self.accounts = _grown(self.accounts, empty_accounts(max(used, 3 * self.accounts.ident.shape[0] // 2)))
        self.accounts.ident[before:used] = idents[new]
        fresh = account_ids.gather(new).to_list()
        self.ids.extend(fresh)
        self._id_bytes += sum(len(name) + _TEXT_BYTES for name in fresh)
        return out

    def rename(self, slot: int, name: str) -> None:
        """Give a slot to nobody: its account, should it come again, gets another one."""
        self._id_bytes += len(name) - len(self.ids[slot])
        self.ids[slot] = name
        # No keyed hash of an account; that one is equal has the chance of any two.
        self.accounts.ident[slot] = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
        self._keys[:], self._slots[:] = 0, 0
        rebuild(self._keys, self._slots, self.accounts.ident[: len(self.ids)])

    def add(self, columns: Columns, start: int, stop: int) -> None:
        """Add the exchanges `start:stop`, in time order, whose slots `slots_of` gave."""
        if stop <= start:
            return
        self.reserve(stop - start)
        self._move_landmarks(int(columns.ts[stop - 1]))
        update(self.accounts, self.panes, self.free, columns, start, stop, self.landmarks)

    def reserve(self, needed: int) -> None:
        """Make room for `needed` more pane rows."""
        if self.free[-1] >= needed:
            return
        old = self.panes.slot.shape[0]
        size = max(old + needed, 3 * old // 2)
        self.panes = _grown(self.panes, empty_panes(size))
        height = int(self.free[-1])
        free = np.empty(size + 1, np.int64)
        fresh = np.arange(size - 1, old - 1, -1)
        free[: fresh.size] = fresh
        free[fresh.size : fresh.size + height] = self.free[:height]
        free[-1] = fresh.size + height
        self.free = free

    def _move_landmarks(self, ts: int) -> None:
        for h, hours in enumerate(DECAY_HOURS):
            half_life = hours * HOUR_US
            self.align(h, ts // half_life * half_life if self.landmarks[h] == 0 else 0)
            steps = (ts - int(self.landmarks[h])) // half_life
            if steps > _LONGEST:
                self._rescale(h, int(self.landmarks[h]) + steps * half_life)

    def align(self, h: int, landmark: int) -> None:
        """Bring one landmark to `landmark` where that is later, or where there is none yet."""
        if self.landmarks[h] == 0:
            self.landmarks[h] = landmark
        elif landmark > self.landmarks[h]:
            self._rescale(h, landmark)

    def _rescale(self, h: int, landmark: int) -> None:
        steps = (landmark - int(self.landmarks[h])) // (DECAY_HOURS[h] * HOUR_US)
        # Whole half-lives are powers of two: the scaling is exact.
        self.accounts.decayed[:, h :: len(DECAY_HOURS)] *= 2.0**-steps
        self.landmarks[h] = landmark

    def expire(self, now: int) -> None:
        """Free the panes that have left the window at `now` (µs)."""
        index = now // PANE_US
        if index == self._expired:
            return
        self._expired = index
        old = np.flatnonzero((self.panes.slot >= 0) & (self.panes.index <= index - PANES))
        for row in old.tolist():  # a sweep once a pane, not a hot path
            self.accounts.pane[self.panes.slot[row], self.panes.index[row] % PANES] = -1
            free_row(self.panes, row)
        height = int(self.free[-1])
        self.free[height : height + old.size] = old
        self.free[-1] = height + old.size

    def pool(self, members: I32, offsets: I64, now: int, wide: Collection[str] = tuple(WIDE)) -> Pooled:
        """Sums of groups of accounts over the window that ends at `now`.

        Args:
            members: slots, all groups one after the other.
            offsets: i64[groups + 1].
            now: event time, µs.
            wide: columns of `WIDE` that are wanted; the others have no width.

        Returns:
            One row a group; the decayed sums are as of `now`.
        """
        out = pool(self.accounts, self.panes, members, offsets, now // PANE_US, wide)
        for h, hours in enumerate(DECAY_HOURS):
            out.decayed[:, h :: len(DECAY_HOURS)] *= 2.0 ** (-(now - int(self.landmarks[h])) / (hours * HOUR_US))
        return out

    def each(self, slots: I32, now: int, wide: Collection[str] = tuple(WIDE)) -> Pooled:
        """The same of single accounts: one row a slot.

        Args:
            slots: i32[n].
            now: event time, µs.
            wide: as in `pool`.
        """
        return self.pool(slots, np.arange(slots.size + 1, dtype=np.int64), now, wide)

    def organisations(self, slots: I32) -> U32:
        """Organisations of accounts by the log, 0 where unknown, where there are several, and where nearly everybody has the same.

        What most accounts have is the provider's own tenant, and says of nobody that he is somebody's staff.

        Args:
            slots: i32[n].
        """
        most = majority(self.accounts.organisation[: len(self.ids)])
        mine = self.accounts.organisation[slots]
        return np.where((mine == most) | (mine == CONFLICT), np.uint32(0), mine)

    def state_bytes(self) -> int:
        """Bytes of state in use: rows given out, the id table, and the id strings."""
        n, rows = len(self.ids), self.panes.slot.shape[0] - int(self.free[-1])
        accounts = sum(a[:n].nbytes for a in self.accounts)
        panes = sum(p[:1].nbytes for p in self.panes) * rows
        return accounts + panes + self._keys.nbytes + self._slots.nbytes + self._id_bytes
