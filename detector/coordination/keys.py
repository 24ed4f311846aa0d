"""Link keys: what accounts may share, read off their profiles as one flat list of (account, key, support).

A kind of link is a number here and an extractor; the weight of a key comes from how many share it, not from its kind.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from detector.coordination.pace import PACES
from detector.profiles.facts import Facts
from detector.profiles.layout import I32, ISSUED_KEYS, NETWORK_KEYS, PRESENTED_KEYS, TLS_KEYS, U8, U32, U64, Accounts

KINDS = ("template", "system_prompt", "payment", "network", "tls", "mail", "signup", "timing", "reasoning")
TEMPLATE, SYSTEM, PAYMENT, NETWORK, TLS, MAIL, SIGNUP, TIMING, REASONING = range(len(KINDS))

TEMPLATES_AN_ACCOUNT = 6  # the most repeated pieces; one wrapper gives every account the same ones
SYSTEMS_AN_ACCOUNT = 2
MIN_SIGHTS = 2  # a text seen once is no habit
MIN_SUPPORT = (
    0.06  # share of an account's exchanges that must carry a text: relayed traffic may dilute a campaign to a tenth
)
WIDTH = TEMPLATES_AN_ACCOUNT + SYSTEMS_AN_ACCOUNT + NETWORK_KEYS + TLS_KEYS + PACES + ISSUED_KEYS + PRESENTED_KEYS + 3


class Edges(NamedTuple):
    """Accounts and what they hold.

    Attributes:
        slot: account.
        key: kind in the top byte, hash below.
        kind: `KINDS`.
        support: 0–1, share of the account's exchanges that carry a text; 1 for what is not text.
    """

    slot: I32
    key: U64
    kind: U8
    support: npt.NDArray[np.float32]


@njit(cache=True)
def _put(e: Edges, n: int, slot: int, kind: int, hashed: int, support: float) -> int:
    e.slot[n] = slot
    e.key[n] = (np.uint64(kind + 1) << np.uint64(56)) | np.uint64(hashed)
    e.kind[n] = kind
    e.support[n] = support
    return n + 1


@njit(cache=True)
def _texts(e: Edges, n: int, slot: int, kind: int, keys: np.ndarray, counts: np.ndarray, total: int, most: int) -> int:
    # The `most` largest counts, ties by hash, so that accounts with one template choose the same pieces of it.
    floor = max(float(MIN_SIGHTS), MIN_SUPPORT * total)
    last_count, last_key = 1 << 30, 0
    for _ in range(most):
        best = -1
        for j in range(keys.shape[0]):
            c, k = int(counts[j]), int(keys[j])
            if c < floor or c > last_count or (c == last_count and k <= last_key):
                continue
            if best < 0 or c > counts[best] or (c == counts[best] and k < keys[best]):
                best = j
        if best < 0:
            return n
        last_count, last_key = int(counts[best]), int(keys[best])
        n = _put(e, n, slot, kind, last_key, min(1.0, last_count / max(total, 1)))
    return n


@njit(cache=True)
def _all(e: Edges, n: int, slot: int, kind: int, keys: np.ndarray) -> int:
    for key in keys:
        if key != 0:
            n = _put(e, n, slot, kind, key, 1.0)
    return n


@njit(cache=True)
def _has(keys: np.ndarray, key: int) -> bool:
    found = False
    for other in keys:
        found |= other == key
    return found


@njit(cache=True)
def _artefacts(e: Edges, n: int, slot: int, issued: np.ndarray, presented: np.ndarray) -> int:
    """Artefacts that tie an account: what it presents and was not issued, and what it was issued, where it replays as well.

    A client sends the artefacts of its own conversation back at every turn. They are left out where the sample of what the account
    was issued has them; others of its own nobody shares. The owner of artefacts that were taken from him is issued them, too, and
    does nothing. What an account was issued counts only if it certainly presented another's: one that the sample of what it was
    issued, the smallest hashes of all, would have held. So a pool that sends each turn of a conversation over the next account is
    tied, whose turns are each presented but once, and those who present one source's blocks are tied to each other and not to it.
    """
    foreign, full = False, issued[-1] != 0
    for key in presented:
        if key != 0 and not _has(issued, key):
            n = _put(e, n, slot, REASONING, key, 1.0)
            foreign |= not full or key < issued[-1]
    if foreign:
        n = _all(e, n, slot, REASONING, issued)
    return n


@njit(cache=True, nogil=True)
def _extract(a: Accounts, f: Facts, pace: U32, slots: I32, e: Edges) -> int:
    n = 0
    for i in range(slots.shape[0]):
        s = slots[i]
        n = _texts(e, n, s, TEMPLATE, a.template_key[s], a.template_count[s], a.texts[s], TEMPLATES_AN_ACCOUNT)
        n = _texts(e, n, s, SYSTEM, a.system_key[s], a.system_count[s], max(a.texts[s], 1), SYSTEMS_AN_ACCOUNT)
        n = _all(e, n, s, NETWORK, a.network[s])
        n = _all(e, n, s, TLS, a.tls[s])
        n = _all(e, n, s, TIMING, pace[i])
        n = _artefacts(e, n, s, a.issued[s], a.presented[s])
        if f.payment[i] != 0:
            n = _put(e, n, s, PAYMENT, f.payment[i], 1.0)
        if f.mail[i] != 0:
            n = _put(e, n, s, MAIL, f.mail[i], 1.0)
        if f.signup[i] != 0:
            n = _put(e, n, s, SIGNUP, f.signup[i], 1.0)
    return n


def extract(accounts: Accounts, facts: Facts, pace: U32, slots: I32) -> Edges:
    """All keys of the accounts in `slots`, whose facts are the rows of `facts`.

    Args:
        accounts: the store's arrays.
        facts: n rows.
        pace: u32[n, PACES], of `paces`.
        slots: i32[n], ascending.
    """
    size = slots.shape[0] * WIDTH
    e = Edges(np.empty(size, np.int32), np.empty(size, np.uint64), np.empty(size, np.uint8), np.empty(size, np.float32))
    n = _extract(accounts, facts, pace, slots, e)
    return Edges(e.slot[:n], e.key[:n], e.kind[:n], e.support[:n])
