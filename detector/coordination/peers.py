"""Accounts of every size beside a cluster: how alike anybody is to it by chance.

What people ask has lengths of its own kind, and many people ask alike, so that odds of likeness say more than they know: of the
accounts outside a pool of relayed customers one in twenty is alike at odds of a thousand to one. So a member's likeness counts by how
few accounts of its size that are no members are as alike: a conformal p-value (Vovk, Gammerman and Shafer 2005).
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from detector.coordination.behaviour import Behaviour, Counts
from detector.coordination.rates import BINS
from detector.coordination.volumes import bins_of
from detector.profiles.layout import F64, I32, I64, U64
from detector.profiles.pool import rows_of

# Accounts kept of each half octave of requests, and those nearest in size that a member is compared with: the smallest p-value is one
# in five hundred, and so are the odds that likeness can give.
_KEPT = 512
_HASHES = 2.0**64


class Peers(NamedTuple):
    """Some accounts of each size, by requests.

    Attributes:
        slots: i32[n].
        requests: f64[n], ascending.
        sent, got: i32[n, bins], requests by length of input and of output.
    """

    slots: I32
    requests: F64
    sent: Counts
    got: Counts

    def beside(self, slots: I32, requests: F64) -> I64:
        """Rows of those that members of a cluster are compared with: of about their size, and no members.

        Args:
            slots: i32[members].
            requests: f64[n], of those members that are compared.
        """
        margin = _KEPT + slots.size
        start = max(int(np.searchsorted(self.requests, requests.min(), "left")) - margin, 0)
        stop = int(np.searchsorted(self.requests, requests.max(), "right")) + margin
        return start + np.flatnonzero(~np.isin(self.slots[start:stop], slots))

    def without(self, slot: int) -> "Peers":
        """All but one account."""
        return Peers(*rows_of(self, self.slots != slot))


def drawn(slots: I32, ident: U64, did: Behaviour) -> Peers:
    """Some of all accounts, the same ones in whichever order they came: about `_KEPT` of each half octave of requests.

    Args:
        slots: i32[n].
        ident: u64[n], keyed hashes of the accounts, which are as good as a draw.
        did: n rows.
    """
    requests = did.requests
    size = bins_of(requests)
    share = _KEPT / np.maximum(np.bincount(size, minlength=BINS), 1)
    rows = np.flatnonzero(ident / _HASHES < share[size])
    rows = rows[np.lexsort((ident[rows], requests[rows]))]
    return Peers(*rows_of((slots, requests, *did.lengths), rows))


@njit(cache=True, nogil=True)
def _rarity(nats: F64, place: I64, others: F64, out: F64) -> None:
    for i in range(nats.shape[0]):
        start = max(0, min(place[i] - _KEPT // 2, others.shape[0] - _KEPT))
        near = others[start : start + _KEPT]
        as_alike = 1
        for other in near:
            as_alike += other >= nats[i]
        out[i] = np.log((1.0 + near.shape[0]) / as_alike)


def rarity(nats: F64, requests: F64, others: F64, of_others: F64) -> F64:
    """Nats by which it is rare to be as alike, for an account of its size that is no member; f64[members].

    Args:
        nats: f64[members], by which each one is alike.
        requests: f64[members].
        others: f64[n], nats by which accounts are alike that are no members.
        of_others: f64[n], their requests, ascending.
    """
    out = np.empty(nats.size)
    sides = [np.searchsorted(of_others, requests, side) for side in ("left", "right")]
    _rarity(nats, (sides[0] + sides[1]) // 2, others, out)
    return out
