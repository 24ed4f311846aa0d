"""What every account holds, kept up to date: a look at clusters costs what changed, not what is known."""

import numpy as np
from numba import njit

from detector.coordination.behaviour import requests_of_each
from detector.coordination.both import both
from detector.coordination.keys import WIDTH, extract
from detector.coordination.pace import paces
from detector.profiles.facts import AccountBook
from detector.profiles.layout import F32, F64, I32, I64, PANE_US, U8, U64, WINDOW_US, grown
from detector.profiles.slots import assign, rebuild
from detector.profiles.store import ProfileStore

_FIRST = 1024
_LOAD = 0.6  # of the hash table


@njit(cache=True, nogil=True)
def _forget(dense: I32, used: U8, holders: I32, slots: I32) -> None:
    for s in slots:
        for j in range(used[s]):
            holders[dense[s, j]] -= 1
        used[s] = 0


@njit(cache=True, nogil=True)
def _hold(dense: I32, support: F32, used: U8, holders: I32, slot: I32, key: I32, share: F32) -> None:
    for i in range(slot.shape[0]):
        s, j = slot[i], used[slot[i]]
        dense[s, j] = key[i]
        support[s, j] = share[i]
        used[s] += 1
        holders[key[i]] += 1


class LinkTable:
    """Link keys by account, and how many accounts hold each.

    Attributes:
        dense: i32[slots, WIDTH], number of each key that an account holds; the first `used` of a row count.
        support: f32[slots, WIDTH], share of the account's exchanges that carry it.
        used: u8[slots].
        created: f64[slots], when the account was made, µs; NaN where unknown.
        requests: i64[slots], of the window.
        hashed: u64[keys], the key by its number: kind in the top byte.
        holders: i32[keys].
    """

    def __init__(self) -> None:
        self.dense: I32 = np.zeros((_FIRST, WIDTH), np.int32)
        self.support: F32 = np.zeros((_FIRST, WIDTH), np.float32)
        self.used: U8 = np.zeros(_FIRST, np.uint8)
        self.created: F64 = np.full(_FIRST, np.nan)
        self.requests: I64 = np.zeros(_FIRST, np.int64)
        self._blank()
        self._pane = 0

    def _blank(self) -> None:
        self.hashed: U64 = np.zeros(4 * _FIRST, np.uint64)
        self.holders: I32 = np.zeros(4 * _FIRST, np.int32)
        self.keys = 0
        self._table: U64 = np.zeros(8 * _FIRST, np.uint64)
        self._number: I32 = np.zeros(8 * _FIRST, np.int32)

    def refresh(self, store: ProfileStore, book: AccountBook, changed: I32, now: int) -> int:
        """Bring the accounts in `changed` up to date, and let go of those that have left the window.

        Args:
            store: profiles.
            book: account facts.
            changed: i32[n], ascending; accounts with traffic since the last call.
            now: event time, µs.

        Returns:
            Accounts with traffic within the window.
        """
        n = len(store)
        self.dense, self.support = grown(self.dense, n, 0), grown(self.support, n, 0.0)
        self.used, self.created = grown(self.used, n, 0), grown(self.created, n, np.nan)
        self.requests = grown(self.requests, n, 0)
        last = store.accounts.last[:n]
        active = last > now - WINDOW_US
        if now // PANE_US != self._pane:  # keys that nobody holds any more would pile up
            self._pane = now // PANE_US
            self._blank()
            self.used[:] = 0
            self.requests[:] = 0
            changed = np.flatnonzero(active).astype(np.int32)
        else:
            gone = np.flatnonzero(~active & (self.used[:n] > 0)).astype(np.int32)
            _forget(self.dense, self.used, self.holders, gone)
            changed = changed[active[changed]]
        if changed.size:
            self._take(store, book, changed, now)
        return int(active.sum())

    def _take(self, store: ProfileStore, book: AccountBook, slots: I32, now: int) -> None:
        facts = book.as_of(store.accounts.ident[slots], now)
        edges = extract(store.accounts, facts, paces(store, slots, now), slots)
        numbers = self._numbers(edges.key)
        _forget(self.dense, self.used, self.holders, slots)
        _hold(self.dense, self.support, self.used, self.holders, edges.slot, numbers, edges.support)
        self.created[slots] = facts.created
        self.requests[slots] = requests_of_each(store, slots, now)

    def _numbers(self, hashed: U64) -> I32:
        needed = self.keys + hashed.size
        if needed > _LOAD * self._table.shape[0]:
            size = 1 << int(needed / _LOAD).bit_length()
            self._table, self._number = np.zeros(size, np.uint64), np.zeros(size, np.int32)
            rebuild(self._table, self._number, self.hashed[: self.keys])
        out, first = np.empty(hashed.size, np.int32), np.empty(hashed.size, np.int32)
        before = self.keys
        self.keys = assign(self._table, self._number, hashed, before, out, first)
        self.hashed, self.holders = grown(self.hashed, self.keys, 0), grown(self.holders, self.keys, 0)
        self.hashed[before : self.keys] = hashed[first[: self.keys - before]]
        return out


@njit(cache=True, nogil=True)
def _shared(
    dense: I32, support: F32, used: U8, holders: I32, surprise: F64, slot: I32, key: I64, w: F64, starts: I64, of: I64
) -> int:
    """Fill the keys of the slots from `of[0]` to `of[1]`, and where those of each start, from `of[2]` on; where they end."""
    m = of[2]
    for s in range(of[0], of[1]):
        starts[s] = m
        for j in range(used[s]):
            k = dense[s, j]
            held = holders[k]
            if 1 < held < surprise.shape[0]:
                slot[m], key[m] = s, k
                w[m] = surprise[held] * support[s, j]
                m += 1
    return m


def shared(table: LinkTable, n: int, most: int, population: int) -> tuple[I32, I64, F64, I64]:
    """Keys that more than one and at most `most` accounts hold: slot, key number and weight in nats, by slot.

    The last array says where the edges of each slot start, and where the last ones end.

    Args:
        table: what accounts hold.
        n: slots.
        most: holders of a key that still says something.
        population: active accounts.
    """
    half = n // 2
    before = int(table.used[:half].sum(dtype=np.int64))
    size = before + int(table.used[half:n].sum(dtype=np.int64))
    slot, key, weight = np.empty(size, np.int32), np.empty(size, np.int64), np.empty(size)
    surprise, starts = np.log(float(max(population, 2)) / np.maximum(np.arange(most + 1), 1)), np.empty(n + 1, np.int64)

    def fill(*of: int) -> int:
        held = table.dense, table.support, table.used, table.holders
        return _shared(*held, surprise, slot, key, weight, starts, np.array(of))

    middle, stop = both(lambda: fill(0, half, 0), lambda: fill(half, n, before))
    m = middle + stop - before
    for each in (slot, key, weight):
        each[middle:m] = each[before:stop]
    starts[half:n] -= before - middle
    starts[n] = m
    return slot[:m], key[:m], weight[:m], starts
