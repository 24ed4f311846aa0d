"""Which key or end user of an alerted account it is: a victim whose key was stolen is not the attacker.

Once there is an alert of a cluster, of whatever severity, the exchanges of its members are counted by API key and by end user: those
that carry a text which the cluster shares, and those that do not. So are those of anybody else from the first time on that he shows
such a text: he may become a member when it is over. Nothing is said before the alert is actionable. Where some keys carry it and the
others do not, beyond what one common rate would give (a likelihood ratio of two rates against one, which has to outweigh a thousand
innocent splits and the search for the best one), those are named. A key is issued by the provider, and is bound in place of its
account, as long as the others do not carry it too.

An end user is whatever the client says, and a harvester must not go free who gives his cover other names. So an end user is bound in
place of his account where a few carry the text and others, at least as many, do not; when the account was watched for some days these
must have been seen for longer than a day, for names that come and go count for nothing. Who goes on under a sixth name is bound as a
whole.

A member that holds the text and had several keys or end users is in doubt when it is first seen: nobody knows yet whose it is. It is
bound when two of them carry the text from then on, or when there is enough to say and no split is found; where no more of it comes,
the attack there is over and nobody is bound. With that an account gains `LEAST` exchanges at most.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

import numpy as np
import polars as pl
from numba import njit

from detector.alerts.model import Named, NamedKind
from detector.coordination.features import ClusterView
from detector.coordination.graph import Links
from detector.profiles.bits import mix64
from detector.profiles.layout import DAY_US, I32, I64, U8, U32, U64, Columns, Flags, grown
from detector.service.looks import Taken
from detector.service.tallies import LEAST, REST, Tally, few, split

KINDS: Final[dict[NamedKind, str]] = {"api_key": "api_key_id", "end_user": "end_user_id"}
CARRIED_BY: Final = 0.5  # of the members, and of all holders of a text, so that it is the cluster's own
_AN_EIGHTH_MORE: Final = 1.125
_TOLD: Final = 20  # keys or users of an account, at most
_REMEMBERED: Final = 256  # keys or users of an account; of a reseller's the first ones
_TEXTS: Final = 8
_OTHERS: Final = 3  # exchanges of others than the heaviest key or user; a table of four forgets most of many
_GRACE_US: Final = 3 * DAY_US  # after which others have to have been seen for a day; some of a few dozen are by then
_STRANGERS: Final = 65_536  # accounts that are watched, beyond which strangers are not; each is some hundred bytes
_FILTER: Final = 65_536


_NOTHING: Final = Tally(0, 0)


@njit(cache=True, nogil=True)
def _carrying(
    rows: I64, alert: I64, bounds: I64, texts: U32, system: U64, prefix: U32, suffix: U32, out: Flags
) -> None:
    """Whether each row's system prompt, beginning or end is one of the texts of its alert, which lie in `texts` by `bounds`."""
    for i in range(rows.shape[0]):
        row = rows[i]
        short = np.uint32(system[row] >> np.uint64(32))
        for text in texts[bounds[alert[i]] : bounds[alert[i] + 1]]:
            if text == short or text == prefix[row] or text == suffix[row]:
                out[i] = True
                break


@njit(cache=True, inline="always")
def _among(text: np.uint32, keys: U32, maybe: Flags) -> bool:
    """Whether a text is one of the sorted keys; most are not, and a look at `maybe` says so."""
    if not maybe[text & np.uint32(_FILTER - 1)]:
        return False
    place = np.searchsorted(keys, text)
    return bool(place < keys.shape[0] and keys[place] == text)


@njit(cache=True, nogil=True)
def _showing(
    start: int,
    stop: int,
    slot: I32,
    watched: U8,
    keys: U32,
    maybe: Flags,
    system: U64,
    prefix: U32,
    suffix: U32,
    rows: I64,
    text: U32,
) -> int:
    """Rows in `start:stop` of accounts that nobody watches with one of the sorted keys, and which; how many."""
    n = 0
    for i in range(start, stop):
        if slot[i] < watched.shape[0] and watched[slot[i]] > 0:
            continue
        for one in (np.uint32(system[i] >> np.uint64(32)), prefix[i], suffix[i]):
            if _among(one, keys, maybe):
                rows[n], text[n] = i, one
                n += 1
                break
    return n


@njit(cache=True, nogil=True)
def _grouped(
    place: I64, hashed: U64, carries: Flags, ts: I64, first: I64, carrying: I64, every: I64, begun: I64, ended: I64
) -> int:
    """Count the rows of each account and id, in the order of the first of each; without those that have no id.

    Fills that first row, how many carry a text, how many there are, and their earliest and latest time; returns the number of
    groups.
    """
    size = 16
    while size < 2 * place.shape[0]:
        size *= 2
    table, mask, n = np.full(size, -1, np.int64), np.uint64(size - 1), 0
    for i in range(place.shape[0]):
        if hashed[i] == 0:
            continue
        at = mix64(hashed[i] + np.uint64(place[i])) & mask
        while table[at] >= 0 and (hashed[first[table[at]]] != hashed[i] or place[first[table[at]]] != place[i]):
            at = (at + np.uint64(1)) & mask
        g = table[at]
        if g < 0:
            g = table[at] = n
            first[n], begun[n], ended[n] = i, ts[i], ts[i]
            n += 1
        every[g] += 1
        carrying[g] += carries[i]
        begun[g], ended[g] = min(begun[g], ts[i]), max(ended[g], ts[i])
    return n


def _several(view: ClusterView, slots: I32) -> dict[NamedKind, Flags]:
    """Accounts of a look that had several keys, and several end users."""
    order = np.argsort(view.slots, kind="stable")
    row, each = order[np.searchsorted(view.slots[order], slots)], view.each
    return {
        "api_key": each.keyed[row] - each.key[row] >= _OTHERS,
        "end_user": each.used[row] - each.user[row] >= _OTHERS,
    }


def _holders(links: Links, slots: I32, keys: I64) -> Flags:
    """Accounts that hold one of the keys."""
    place, edge = links.of(slots)
    return np.bincount(place[np.isin(links.key[edge], keys)], minlength=slots.size) > 0


@dataclass
class Culprits:
    """Tallies of the members of alerted clusters, and of who shows their texts.

    Attributes:
        texts: short hashes of the texts, by alert id.
        alert: id of the alert that an account is watched for, by slot.
        since: event time from which it is, µs, by slot: what was counted does not depend on how the log was cut.
        seen: tallies by slot, kind and id.
        asked: exchanges of an account with a text of its cluster when it was last asked whose they are, by slot.
        touched: slots that sent one since.
        strangers: slots that are watched and were in no alerted cluster yet.
        doubted: of members of which it is not known whose the text is, the kinds of which they had several, by slot.
        unproven: whether end users that were named are bound in place of their account, by slot, as long as time may change that.
    """

    texts: dict[str, set[int]] = field(default_factory=dict)
    alert: dict[int, str] = field(default_factory=dict)
    since: dict[int, int] = field(default_factory=dict)
    seen: dict[int, dict[NamedKind, dict[str, Tally]]] = field(default_factory=dict)
    asked: dict[int, int] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    strangers: set[int] = field(default_factory=set)
    doubted: dict[int, tuple[NamedKind, ...]] = field(default_factory=dict)
    unproven: dict[int, bool] = field(default_factory=dict)
    _watched: U8 = field(default_factory=lambda: np.zeros(0, np.uint8))

    def learn(self, alert_id: str, slots: I32, view: ClusterView) -> list[int]:
        """Watch the members of an alerted cluster for the texts that are its own.

        Args:
            alert_id: its alert.
            slots: its members.
            view: of the look.

        Returns:
            Members in doubt.
        """
        keys, held = view.links.texts_of(slots)
        own = (held >= CARRIED_BY * slots.size) & (held >= CARRIED_BY * view.links.holders[keys])
        chosen = keys[own][np.argsort(-held[own], kind="stable")][:_TEXTS]
        if chosen.size == 0:
            return []
        self.texts.setdefault(alert_id, set()).update(view.links.short(key) for key in chosen)
        new = np.array([s not in self.alert or s in self.strangers for s in slots.tolist()], np.bool_)
        for slot in slots[new].tolist():
            self._admit(slot, alert_id, view.now)
        holders = slots[new][_holders(view.links, slots[new], chosen)]
        several = _several(view, holders)
        for i, slot in enumerate(holders.tolist()):
            kinds = tuple(kind for kind, is_so in several.items() if is_so[i])
            if kinds:
                self.doubted[slot] = kinds
        return [slot for slot in slots.tolist() if slot in self.doubted]

    def _admit(self, slot: int, alert_id: str, now: int) -> None:
        """Watch a new member; what was counted of a stranger holds where it was a text of the same cluster."""
        same = slot in self.strangers and not self.texts[self.alert[slot]].isdisjoint(self.texts[alert_id])
        self.strangers.discard(slot)
        if same:
            self.alert[slot], self.asked[slot] = alert_id, 0
            self.touched.add(slot)
        else:
            self._watch(slot, alert_id, now)

    def _watch(self, slot: int, alert_id: str, since: int) -> None:
        self._watched = grown(self._watched, slot + 1, 0)
        self.alert[slot], self.since[slot], self.asked[slot] = alert_id, since, 0
        self.seen[slot] = {kind: {} for kind in KINDS}
        self._watched[slot] = 1

    def count(self, taken: Sequence[Taken]) -> None:
        """Count the exchanges of accounts that are watched.

        Args:
            taken: parts of batches, in time order.
        """
        if not self.texts:
            return
        alert_of = {text: name for name, texts in reversed(self.texts.items()) for text in texts}
        for _, run in groupby(taken, lambda part: id(part.columns)):
            parts = list(run)  # of one batch, one after the other
            self._meet(parts[0].columns, parts[0].start, parts[-1].stop, alert_of)
            self._count(parts[0].columns, parts[0].start, parts[-1].stop, parts[0].frame)

    def _meet(self, c: Columns, start: int, stop: int, alert_of: dict[int, str]) -> None:
        """Watch those who show a text for the first time."""
        keys = np.sort(np.fromiter(alert_of, np.uint32, len(alert_of)))
        maybe = np.zeros(_FILTER, np.bool_)
        maybe[keys & np.uint32(_FILTER - 1)] = True
        rows, text = np.empty(stop - start, np.int64), np.empty(stop - start, np.uint32)
        n = _showing(start, stop, c.slot, self._watched, keys, maybe, c.system, c.prefix, c.suffix, rows, text)
        _, first = np.unique(c.slot[rows[:n]], return_index=True)
        for i in np.sort(first).tolist()[: max(0, _STRANGERS - len(self.alert))]:  # over accounts, once each
            slot = int(c.slot[rows[i]])
            self._watch(slot, alert_of[int(text[i])], int(c.ts[rows[i]]))
            self.strangers.add(slot)

    def _count(self, columns: Columns, start: int, stop: int, frame: pl.DataFrame) -> None:
        own = columns.slot[start:stop]
        known = own < self._watched.size
        rows = start + np.flatnonzero(known)[self._watched[own[known]] > 0]
        if rows.size == 0:
            return
        slots, place = np.unique(columns.slot[rows], return_inverse=True)
        late = columns.ts[rows] >= np.array([self.since[slot] for slot in slots.tolist()], np.int64)[place]
        rows, place = rows[late], place[late]
        carries = self._carries(columns, rows, place, slots)
        self.touched.update(slots[np.unique(place[carries])].tolist())
        for kind, name in KINDS.items():
            if name in frame.columns:
                hashed = columns.key if kind == "api_key" else columns.end_user
                named = frame.get_column(name)
                self._add(kind, named, slots, place, rows, hashed[rows], carries, columns.ts[rows])

    def carrying(self, columns: Columns, rows: I64) -> Flags:
        """Which rows of a batch carry a text of the alert that their account is watched for."""
        out = np.zeros(rows.size, np.bool_)
        own = columns.slot[rows]
        known = np.flatnonzero(own < self._watched.size)
        known = known[self._watched[own[known]] > 0]
        if known.size:
            slots, place = np.unique(own[known], return_inverse=True)
            out[known] = self._carries(columns, rows[known], place, slots)
        return out

    def _carries(self, columns: Columns, rows: I64, place: I64, slots: I32) -> Flags:
        """Which exchanges carry a text of the alert of their account."""
        alerts = [self.alert[slot] for slot in slots.tolist()]
        number = {alert: n for n, alert in enumerate(dict.fromkeys(alerts))}
        texts = [self.texts[alert] for alert in number]
        bounds = np.concatenate([[0], np.cumsum([len(each) for each in texts])]).astype(np.int64)
        flat = np.fromiter((text for each in texts for text in each), np.uint32, int(bounds[-1]))
        of = np.array([number[alert] for alert in alerts], np.int64)
        out = np.zeros(rows.size, np.bool_)
        _carrying(rows, of[place], bounds, flat, columns.system, columns.prefix, columns.suffix, out)
        return out

    def _add(
        self,
        kind: NamedKind,
        names: pl.Series,
        slots: I32,
        place: I64,
        rows: I64,
        hashed: U64,
        carries: Flags,
        ts: I64,
    ) -> None:
        first, carrying, every, begun, ended = (np.zeros(rows.size, np.int64) for _ in range(5))
        n = _grouped(place, hashed, carries, ts, first, carrying, every, begun, ended)
        first = first[:n]
        counted = zip(
            slots[place[first]].tolist(),
            names.gather(rows[first]).to_list(),
            carrying[:n].tolist(),
            every[:n].tolist(),
            begun[:n].tolist(),
            ended[:n].tolist(),
            strict=True,
        )
        for slot, value, carry, total, begin, end in counted:  # over keys and end users of alerted accounts
            known = self.seen[slot][kind]
            name = value if value in known or len(known) < _REMEMBERED else REST
            known[name] = known.get(name, _NOTHING).more(carry, total - carry, begin, end)

    def news(self, acts: Callable[[str], bool], now: int) -> Iterator[tuple[str, int, list[Named]]]:
        """(alert, slot, keys or users, if any) of accounts with an eighth more since they were last asked, or in doubt no longer.

        Args:
            acts: whether anything is to be done about an alert; what is known of others waits.
            now: event time, µs.
        """
        due = [slot for slot in sorted(self.touched | self.unproven.keys()) if acts(self.alert[slot])]
        self.touched.difference_update(due)
        for slot in due:
            most = max((sum(t.carrying for t in of.values()) for of in self.seen[slot].values()), default=0)
            if not self._to_be_told(slot, most, now):
                continue
            self.doubted.pop(slot, None)
            self.asked[slot] = most
            named = self.named(slot, now)
            self.unproven.pop(slot, None)
            if named and named[0].kind == "end_user" and not (named[0].instead and self._watched_for(slot, now)):
                self.unproven[slot] = named[0].instead
            yield self.alert[slot], slot, named

    def _to_be_told(self, slot: int, most: int, now: int) -> bool:
        if slot in self.doubted:
            return most >= LEAST or self._by_several(slot)
        if most < LEAST or not any(len(of) > 1 for of in self.seen[slot].values()):
            return False
        if most >= _AN_EIGHTH_MORE * self.asked[slot]:
            return True
        told = self.unproven.get(slot)
        return told is not None and any(n.instead != told for n in self.named(slot, now))

    def _watched_for(self, slot: int, now: int) -> bool:
        return now - self.since[slot] > _GRACE_US

    def _by_several(self, slot: int) -> bool:
        """Whether two keys or users carry the text, of each kind of which the account had several."""
        return all(sum(t.carrying > 0 for t in self.seen[slot][kind].values()) > 1 for kind in self.doubted[slot])

    def named(self, slot: int, now: int) -> list[Named]:
        """Keys of an account that carry the cluster's texts where its others do not; end users where no keys differ."""
        lasting = DAY_US if self._watched_for(slot, now) else 0
        for kind, tallies in self.seen[slot].items():
            _, names = split(tallies)
            if names and REST not in names:
                alone = kind == "end_user" and few(tallies, names, lasting)
                return [Named(kind, n, tallies[n].carrying, tallies[n].other, alone) for n in names[:_TOLD]]
        return []

    def forget(self, slot: int) -> None:
        """Let go of an account."""
        for kept in (self.alert, self.since, self.seen, self.asked, self.doubted, self.unproven):
            kept.pop(slot, None)
        self.touched.discard(slot)
        self.strangers.discard(slot)
        if slot < self._watched.size:
            self._watched[slot] = 0
