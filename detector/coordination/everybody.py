"""What everybody does, kept up: what each cluster is compared with."""

from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from detector.coordination.behaviour import behaviour_of, requests_of
from detector.coordination.clusters import Moment, active_slots
from detector.coordination.features import Population
from detector.coordination.peers import Peers, drawn
from detector.coordination.volumes import Volumes, measure_volumes
from detector.profiles.activity import active_counts
from detector.profiles.layout import COUNT, F64, HOUR_US, I32, I64, PANE_US, PANES, Panes
from detector.profiles.store import ProfileStore

# What everybody does changes slowly; how much each one does only with the traffic of the window.
_EVERY_US, _VOLUMES_US, _MORE = HOUR_US, 6 * HOUR_US, 1.0 / 16.0
_REQUESTS = COUNT["requests"]


@njit(cache=True, nogil=True)
def _summed(panes: Panes, index: int, sent: I64, got: I64, words: I64) -> None:
    """Add up the histograms of a window."""
    slot, at = panes.slot, panes.index
    for out, each in ((sent, panes.lengths_in), (got, panes.lengths_out), (words, panes.lexical)):
        for row in range(slot.shape[0]):
            if slot[row] >= 0 and at[row] > index - PANES:
                for b in range(out.shape[0]):
                    out[b] += each[row, b]


@njit(cache=True, nogil=True)
def _launched(panes: Panes, index: int, bins: I64, out: I64) -> None:
    for row in range(panes.slot.shape[0]):
        if panes.slot[row] < 0 or panes.index[row] <= index - PANES:
            continue
        out[1] += panes.counts[row, _REQUESTS]
        for b in bins:
            out[0] += panes.models[row, b]


@dataclass
class Everybody:
    """What all accounts do, measured again once an hour.

    Attributes:
        when: event time of the latest measure, µs.
        known: what it gave.
        counted: event time and requests of all when volumes were counted last.
    """

    when: int = 0
    known: Population | None = None
    counted: tuple[int, int] = (0, 0)

    def at(self, store: ProfileStore, created: F64, moment: Moment, active: int, *, fresh: bool) -> Population:
        """What they do at a moment.

        Args:
            store: profiles.
            created: f64[slots], when each account was made, µs; NaN where unknown.
            moment: time and events so far.
            active: accounts with traffic within the window.
            fresh: measure now.
        """
        if self.known is None or fresh or moment.now - self.when >= _EVERY_US:
            before = None if fresh else self.known
            self.known = self._measure(store, created, moment, active, before)
            self.when = moment.now
        return self.known

    def forget(self, slot: int) -> None:
        """Keep nothing of one account's own: it is no longer among those that members are compared with."""
        if self.known is not None:
            self.known = replace(self.known, peers=self.known.peers.without(slot))

    def _measure(
        self, store: ProfileStore, created: F64, moment: Moment, active: int, before: Population | None
    ) -> Population:
        alive = active_slots(store, moment.now)
        made = created[alive]
        panes = store.panes
        sent, got, words = (
            np.zeros(h.shape[1], np.int64) for h in (panes.lengths_in, panes.lengths_out, panes.lexical)
        )
        _summed(panes, moment.now // PANE_US, sent, got, words)
        volumes, peers = self._each(store, alive, moment.now, before)
        return Population(
            size=active,
            created=np.sort(made[~np.isnan(made)]),
            active=active_counts(panes, moment.now) / max(1, active),
            launch_share=_launch_share(store, moment),
            first=np.sort(store.accounts.first[alive]),
            lengths_in=sent.astype(np.float64),
            lengths_out=got.astype(np.float64),
            lexical=words.astype(np.float64),
            volumes=volumes,
            peers=peers,
        )

    def _each(self, store: ProfileStore, alive: I32, now: int, before: Population | None) -> tuple[Volumes, Peers]:
        """What is asked of every single account."""
        when, requests = self.counted
        total = requests_of(store)
        if before is not None and now - when < _VOLUMES_US and total <= (1.0 + _MORE) * requests:
            return before.volumes, before.peers
        self.counted = now, total
        did = behaviour_of(store, alive, now)
        return measure_volumes(did.counts, did.days), drawn(alive, store.accounts.ident[alive], did)


def _launch_share(store: ProfileStore, moment: Moment) -> float:
    if not moment.launched:
        return 0.0
    sums = np.zeros(2, np.int64)
    _launched(store.panes, moment.now // PANE_US, np.array(moment.launched, np.int64), sums)
    return float(sums[0]) / max(1, int(sums[1]))
