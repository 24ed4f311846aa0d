"""Indicators of known clusters: an account that shows them is named within its own batch, without waiting for a tick."""

from dataclasses import dataclass, field

import numpy as np

from detector.coordination.graph import Links
from detector.profiles.layout import I32, U32, Columns

HELD_BY_MEMBERS = 0.95  # of all holders of a text, so that a popular one indicates nothing
LEAST_HOLDERS = 5


@dataclass
class Indicators:
    """Texts that nobody but a cluster's members has sent.

    Attributes:
        alert: alert id by text key.
        members: slots of which nothing more is to be told, by alert id.
    """

    alert: dict[int, str] = field(default_factory=dict)
    members: dict[str, set[int]] = field(default_factory=dict)
    _keys: U32 = field(default_factory=lambda: np.zeros(0, np.uint32))

    def learn(self, alert_id: str, slots: I32, links: Links) -> None:
        """Take the texts of an actionable cluster that are its own."""
        keys, held = links.texts_of(slots)
        own = (held >= LEAST_HOLDERS) & (held >= HELD_BY_MEMBERS * links.holders[keys])
        for key in keys[own]:  # over a cluster's templates, a handful
            self.alert[links.short(key)] = alert_id
        self.members.setdefault(alert_id, set()).update(int(s) for s in slots)
        self._keys = np.array(sorted(self.alert), np.uint32)

    def matches(self, columns: Columns, start: int, stop: int) -> list[tuple[int, int, str]]:
        """(slot, event time, alert id) of requests in `start:stop` by which others than members show an indicator."""
        if self._keys.size == 0 or stop <= start:
            return []
        system = (columns.system[start:stop] >> np.uint64(32)).astype(np.uint32)
        ends = [np.isin(column[start:stop], self._keys) for column in (columns.prefix, columns.suffix)]
        out: list[tuple[int, int, str]] = []
        # How a text begins is shared by chance, or copied from a public tool; how it begins and ends is a wrapper.
        for column, hit in (
            (system, np.isin(system, self._keys)),
            (columns.prefix[start:stop], ends[0] & ends[1]),
        ):
            for i in np.flatnonzero(hit):  # over hits, mostly of known members
                slot, alert_id = int(columns.slot[start + i]), self.alert[int(column[i])]
                if slot not in self.members[alert_id]:
                    out.append((slot, int(columns.ts[start + i]), alert_id))
        return out
