"""Which key or end user of an alerted account it is: a victim whose key was stolen is not the attacker.

Once a cluster is actionable, the exchanges of its members are counted by API key and by end user: those that carry a text which the
cluster shares, and those that do not. Where some keys carry it and the others do not, beyond what one common rate would give (a
likelihood ratio of two rates against one, which has to outweigh a thousand innocent splits and the search for the best one), those
are named. A key is issued by the provider, and is bound in place of its account, as long as the others do not carry it too; an
end user is whatever the client says, so that he is told and the account stays bound: else a harvester would go free who gives his
cover other names.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numba import njit

from detector.alerts.model import Named, NamedKind
from detector.coordination.graph import Links
from detector.profiles.bits import mix64
from detector.profiles.layout import F64, I32, I64, U8, U32, U64, Columns, Flags, grown
from detector.service.looks import Taken

KINDS: Final[dict[NamedKind, str]] = {"api_key": "api_key_id", "end_user": "end_user_id"}
CARRIED_BY: Final = 0.5  # of the members, and of all holders of a text, so that it is the cluster's own
LEAST: Final = 10  # exchanges with such a text, before anything is said
NATS: Final = 6.9  # log odds of a thousand to one
MOST: Final = 0.9  # of the exchanges with the text are of those that are named
_AN_EIGHTH_MORE: Final = 1.125
_TOLD: Final = 20  # keys or users of an account, at most
_REMEMBERED: Final = 256  # keys or users of an account; of a reseller's the first ones
_TEXTS: Final = 8


class Tally(NamedTuple):
    """One key's or user's exchanges with and without a text of the cluster."""

    carrying: int
    other: int


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


@njit(cache=True, nogil=True)
def _grouped(place: I64, hashed: U64, carries: Flags, first: I64, carrying: I64, every: I64) -> int:
    """Count the rows of each account and id, in the order of the first of each; without those that have no id.

    Fills that first row, how many carry a text, and how many there are; returns the number of groups.
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
            first[n] = i
            n += 1
        every[g] += 1
        carrying[g] += carries[i]
    return n


@dataclass
class Culprits:
    """Tallies of the members of actionable clusters.

    Attributes:
        texts: short hashes of the texts, by alert id.
        alert: id of the alert that an account is watched for, by slot.
        since: event time from which it is, µs, by slot: what was counted does not depend on how the log was cut.
        seen: tallies by slot, kind and id.
        asked: exchanges of an account with a text of its cluster when it was last asked whose they are, by slot.
        touched: slots that sent one since.
    """

    texts: dict[str, set[int]] = field(default_factory=dict)
    alert: dict[int, str] = field(default_factory=dict)
    since: dict[int, int] = field(default_factory=dict)
    seen: dict[int, dict[NamedKind, dict[str, Tally]]] = field(default_factory=dict)
    asked: dict[int, int] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    _watched: U8 = field(default_factory=lambda: np.zeros(0, np.uint8))

    def learn(self, alert_id: str, slots: I32, links: Links, now: int) -> None:
        """Watch the members of an actionable cluster for the texts that are its own.

        Args:
            alert_id: its alert.
            slots: its members.
            links: of the look.
            now: event time, µs.
        """
        keys, held = links.texts_of(slots)
        own = (held >= CARRIED_BY * slots.size) & (held >= CARRIED_BY * links.holders[keys])
        chosen = keys[own][np.argsort(-held[own], kind="stable")][:_TEXTS]
        if chosen.size == 0:
            return
        self.texts.setdefault(alert_id, set()).update(links.short(key) for key in chosen)
        self._watched = grown(self._watched, int(slots.max()) + 1, 0)
        for slot in slots.tolist():
            if slot not in self.alert:
                self.alert[slot], self.since[slot], self.asked[slot] = alert_id, now, 0
                self.seen[slot] = {kind: {} for kind in KINDS}
                self._watched[slot] = 1

    def count(self, taken: Sequence[Taken]) -> None:
        """Count the exchanges of accounts that are watched.

        Args:
            taken: parts of batches, in time order.
        """
        for _, run in groupby(taken, lambda part: id(part.columns)):
            parts = list(run)  # of one batch, one after the other
            self._count(parts[0].columns, parts[0].start, parts[-1].stop, parts[0].frame)

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
                self._add(kind, frame.get_column(name), slots, place, rows, hashed[rows], carries)

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
        self, kind: NamedKind, names: pl.Series, slots: I32, place: I64, rows: I64, hashed: U64, carries: Flags
    ) -> None:
        first, carrying, every = (np.zeros(rows.size, np.int64) for _ in range(3))
        n = _grouped(place, hashed, carries, first, carrying, every)
        first = first[:n]
        counted = zip(
            slots[place[first]].tolist(),
            names.gather(rows[first]).to_list(),
            carrying[:n].tolist(),
            every[:n].tolist(),
            strict=True,
        )
        for slot, value, carry, total in counted:  # over keys and end users of alerted accounts
            known = self.seen[slot][kind]
            if value in known or len(known) < _REMEMBERED:
                before = known.get(value, _NOTHING)
                known[value] = Tally(before.carrying + carry, before.other + total - carry)

    def news(self) -> Iterator[tuple[str, int, list[Named]]]:
        """(alert, slot, keys or users, if any) of accounts with an eighth more since they were last asked."""
        for slot in sorted(self.touched):
            counts = [sum(t.carrying for t in of.values()) for of in self.seen[slot].values() if len(of) > 1]
            most = max(counts, default=0)
            if most < LEAST or most < _AN_EIGHTH_MORE * self.asked[slot]:
                continue
            self.asked[slot] = most
            yield self.alert[slot], slot, self.named(slot)
        self.touched.clear()

    def named(self, slot: int) -> list[Named]:
        """Keys of an account that carry the cluster's texts where its others do not; end users where no keys differ."""
        for kind, tallies in self.seen[slot].items():
            _, names = _split(tallies)
            if names:
                return [Named(kind, name, *tallies[name]) for name in names[:_TOLD]]
        return []

    def forget(self, slot: int) -> None:
        """Let go of an account."""
        for kept in (self.alert, self.since, self.seen, self.asked):
            kept.pop(slot, None)
        self.touched.discard(slot)
        if slot < self._watched.size:
            self._watched[slot] = 0


def _split(tallies: dict[str, Tally]) -> tuple[float, list[str]]:
    """Nats beyond what is asked for, and who carries; 0 and nobody where one rate explains it all."""
    total, every = sum(t.carrying for t in tallies.values()), sum(sum(t) for t in tallies.values())
    if len(tallies) < 2 or total < LEAST or total == every:  # noqa: PLR2004 - one key is the account's
        return 0.0, []
    names = sorted(tallies, key=lambda name: (-tallies[name].carrying / max(sum(tallies[name]), 1), name))
    carrying = np.cumsum([tallies[name].carrying for name in names])[:-1]
    size = np.cumsum([sum(tallies[name]) for name in names])[:-1]
    nats = (
        _likelihood(carrying, size)
        + _likelihood(total - carrying, every - size)
        - _likelihood(np.array([total]), np.array([every]))
        - np.log(len(names) - 1)
        - NATS
    )
    nats[carrying < MOST * total] = 0.0
    best = int(np.argmax(nats))
    return (float(nats[best]), sorted(names[: best + 1])) if nats[best] > 0 else (0.0, [])


def _likelihood(hits: I64, n: I64) -> F64:
    """Log likelihood of so many hits at their own rate."""
    rate = hits / np.maximum(n, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.nan_to_num(hits * np.log(rate)) + np.nan_to_num((n - hits) * np.log1p(-rate)), np.float64)
