"""Indicators of known clusters: an account that shows them is named within its own batch, without waiting for a tick."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numba import njit

from detector.coordination.graph import Links
from detector.profiles.layout import I32, I64, U32, U64, Columns

# Of all holders of a text, so that a popular one indicates nothing: members of this cluster or of another that is acted on, since
# two pools may share a wrapper.
HELD_BY_MEMBERS = 0.95
# Once known, it is let go when more others than members hold it: a pool that takes over is as large as the one before it.
KEPT_BY_MEMBERS = 0.5
LEAST_HOLDERS = 5
# Of the members: a phrase that a few of them send is one of the tasks, which may come from a public list, and not the wrapper.
CARRIED_BY = 0.5


@njit(cache=True, inline="always")
def _is_one(text: np.uint32, keys: U32) -> bool:
    place = np.searchsorted(keys, text)
    return bool(place < keys.shape[0] and keys[place] == text)


@njit(cache=True, nogil=True)
def _by_system(system: U64, start: int, stop: int, keys: U32, out: I64) -> int:
    """Rows in `start:stop` whose system prompt is one of the sorted keys; how many."""
    n = 0
    for i in range(start, stop):
        if _is_one(np.uint32(system[i] >> np.uint64(32)), keys):
            out[n] = i
            n += 1
    return n


@njit(cache=True, nogil=True)
def _by_ends(prefix: U32, suffix: U32, start: int, stop: int, keys: U32, out: I64) -> int:
    """The same of rows whose prompt begins and ends with one of them."""
    n = 0
    for i in range(start, stop):
        if _is_one(prefix[i], keys) and _is_one(suffix[i], keys):
            out[n] = i
            n += 1
    return n


@dataclass
class Indicators:
    """Texts that nobody but the members of known clusters has sent.

    Attributes:
        alert: alert id by text key.
        members: slots of which nothing more is to be told, by alert id.
    """

    alert: dict[int, str] = field(default_factory=dict)
    members: dict[str, set[int]] = field(default_factory=dict)
    _keys: U32 = field(default_factory=lambda: np.zeros(0, np.uint32))

    def learn(self, found: Sequence[tuple[str, I32]], links: Links) -> None:
        """Take the texts of actionable clusters that are their own, and let go of those that are so no longer.

        Args:
            found: alert and members of each cluster of a look.
            links: of the look.
        """
        for alert_id, slots in found:
            self.members.setdefault(alert_id, set()).update(slots.tolist())
        known = set().union(*self.members.values())
        _, edge = links.of(np.fromiter(known, np.int32, len(known)))
        by_known = np.bincount(links.key[edge], minlength=links.holders.size)
        for alert_id, slots in found:
            keys, held = links.texts_of(slots)
            own = by_known[keys] / links.holders[keys]
            wrapper = (own >= HELD_BY_MEMBERS) & (held >= np.maximum(LEAST_HOLDERS, CARRIED_BY * slots.size))
            for key in keys[own < KEPT_BY_MEMBERS].tolist():  # over a cluster's templates, a handful
                if self.alert.get(short := links.short(key)) == alert_id:
                    del self.alert[short]
            for key in keys[wrapper].tolist():
                self.alert[links.short(key)] = alert_id
        self._keys = np.array(sorted(self.alert), np.uint32)

    def matches(self, columns: Columns, start: int, stop: int) -> list[tuple[int, int, str]]:
        """(slot, event time, alert id) of requests in `start:stop` by which others than members show an indicator."""
        if self._keys.size == 0 or stop <= start:
            return []
        out: list[tuple[int, int, str]] = []
        system, ends = np.empty(stop - start, np.int64), np.empty(stop - start, np.int64)
        system = system[: _by_system(columns.system, start, stop, self._keys, system)]
        ends = ends[: _by_ends(columns.prefix, columns.suffix, start, stop, self._keys, ends)]
        # How a text begins is shared by chance, or copied from a public tool; how it begins and ends is a wrapper.
        for rows, texts in ((system, columns.system[system] >> np.uint64(32)), (ends, columns.prefix[ends])):
            hits = zip(columns.slot[rows].tolist(), columns.ts[rows].tolist(), texts.tolist(), strict=True)
            for slot, ts, text in hits:  # mostly of known members
                alert_id = self.alert[text]
                if slot not in self.members[alert_id]:
                    out.append((slot, ts, alert_id))
        return out
