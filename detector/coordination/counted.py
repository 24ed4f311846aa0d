"""What accounts are compared by: counts of requests by what they are, ready to be asked whether two accounts draw from one source."""

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit

from detector.coordination.behaviour import Behaviour, Counts
from detector.coordination.features.twins import PRIOR, anybody, log_marginal, log_rising
from detector.profiles.layout import COUNT, F64, I64

HABITS: Final = ("system", "multi_turn", "tool_offer")
_OF_A_HABIT = 2.0  # pseudo-requests of the prior: people have a habit or have it not
_ONE = 255.0  # of a capability
_TABLE = 8192  # requests in a bin; more are seldom, and cost two logarithms of a gamma function
_WHOLE = 1 << 16  # and of an account


class Counted(NamedTuple):
    """Counts of accounts: tables, each of the answers to a question, side by side.

    Attributes:
        counts: i32[accounts, answers].
        bounds: i64[tables + 1], of the answers of each.
        prior: f64[answers], pseudo-counts of what is known before any request was seen.
        seen: i64[accounts, tables], requests.
        alone: f64[accounts, tables], log probability of an account's own counts.
        rising: f64[answers, requests], log of Γ(prior + requests) / Γ(prior).
        gamma: f64[requests], log of Γ of whole numbers.
        log: f64[accounts + 1], of whole numbers; of 0 as of 1.
    """

    counts: Counts
    bounds: I64
    prior: F64
    seen: I64
    alone: F64
    rising: F64
    gamma: F64
    log: F64


def counted(accounts: Behaviour) -> Counted:
    """Tables of accounts, with priors from all of them."""
    requests = accounts.counts[:, COUNT["requests"]]
    held = [accounts.counts[:, COUNT[habit]] for habit in HABITS]
    aims = np.rint(accounts.capability / _ONE).astype(np.int32)
    tables = [*accounts.lengths, aims, *(np.stack([h, requests - h], axis=1) for h in held)]
    weight = [PRIOR] * (len(accounts.lengths) + 1) + [_OF_A_HABIT] * len(HABITS)
    priors = [anybody(t.sum(axis=0, dtype=np.float64)) * (w / PRIOR) for t, w in zip(tables, weight, strict=True)]
    return tabulated(tables, priors)


def tabulated(tables: list[Counts], priors: list[F64]) -> Counted:
    """What is the same for any two accounts, once.

    Args:
        tables: i32[accounts, answers] each.
        priors: f64[1, answers] each.
    """
    counts, prior = np.concatenate(tables, axis=1), np.concatenate(priors, axis=1)[0]
    seen = np.stack([t.sum(axis=1, dtype=np.int64) for t in tables], axis=1)
    alone = np.stack([log_marginal(t, p) for t, p in zip(tables, priors, strict=True)], axis=1)
    most = np.minimum(2 * counts.max(axis=0).astype(np.int64), _TABLE)
    rising = np.zeros((prior.size, most.max() + 1))
    gamma = np.zeros(min(2 * int(seen.max()) + int(prior.sum()) + 2, _WHOLE))
    _fill(prior, most, rising, gamma)
    bounds = np.cumsum([0, *(t.shape[1] for t in tables)])
    log = np.log(np.maximum(np.arange(counts.shape[0] + 1), 1))
    return Counted(counts, bounds, prior, seen, alone, rising, gamma, log)


@njit(cache=True, nogil=True)
def _fill(prior: F64, most: I64, rising: F64, gamma: F64) -> None:
    for j in range(prior.shape[0]):
        for k in range(1, most[j] + 1):
            rising[j, k] = rising[j, k - 1] + math.log(prior[j] + k - 1)
    for k in range(1, gamma.shape[0]):
        gamma[k] = math.lgamma(k)


@njit(cache=True, nogil=True)
def _log_gamma(x: float, gamma: F64) -> float:
    """Log of Γ, of a number that is whole but for rounding errors."""
    whole = int(x)
    return float(gamma[whole]) if whole == x and whole < gamma.shape[0] else math.lgamma(x)


@njit(cache=True, nogil=True)
def of_others(of: Counted, group: I64, others: I64) -> F64:
    """Log odds of drawing from the source of each account outside, against one of its own; f64[members + n, n].

    Args:
        of: all accounts.
        group: i64[members].
        others: i64[n], accounts outside.
    """
    rows, width = np.concatenate((group, others)), of.rising.shape[1]
    out = np.zeros((rows.shape[0], others.shape[0]))
    after, filled = np.empty(others.shape[0]), np.empty(of.prior.shape[0], np.int64)
    for t in range(of.bounds.shape[0] - 1):
        start, stop = of.bounds[t], of.bounds[t + 1]
        whole = of.prior[start:stop].sum()
        for k in range(others.shape[0]):
            after[k] = whole + of.seen[others[k], t]
        for i in range(rows.shape[0]):
            mine, n = of.counts[rows[i]], 0
            for j in range(start, stop):
                if mine[j] > 0:
                    filled[n] = j
                    n += 1
            seen, alone = of.seen[rows[i], t], of.alone[rows[i], t]
            for k in range(others.shape[0]):
                own, before = 0.0, of.counts[others[k]]
                for j in filled[:n]:
                    if mine[j] + before[j] < width:
                        own += of.rising[j, mine[j] + before[j]] - of.rising[j, before[j]]
                    else:
                        own += log_rising(of.prior[j] + before[j], mine[j])
                if seen > 0:
                    own -= _log_gamma(after[k] + seen, of.gamma) - _log_gamma(after[k], of.gamma)
                out[i, k] += own - alone
    return out
