"""Whose is an account among lookalikes: the group's, or one of the crowd's that stand right beside it?

A group is put together by likeness, so that each of its accounts is likelier the group's than anybody's: it was chosen for that. What
tells a member from a bystander is whether it is likelier the group's than any single other account's, of those that are most like it
and outside. Each account is taken to draw from the source of the group, or from that of one of the others, or from one of its own:
the odds are a mixture's (McLachlan and Peel, 2000), over lengths of requests and answers, what the requests are after, and habits.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit

from detector.coordination.around import Places, beside
from detector.coordination.behaviour import Behaviour, Counts
from detector.coordination.features.twins import PRIOR, anybody, log_marginal, log_marginal_of, log_marginals
from detector.profiles.layout import COUNT, F64, I64

HABITS: Final = ("system", "multi_turn", "tool_offer")
# Pseudo-requests that the source of a pool is worth to its members, which stray from it a little: how much is measured on the pool.
_STRAY: Final = (50.0, 400.0, 3200.0)
_OF_A_HABIT = 2.0  # pseudo-requests of the prior: people have a habit or have it not
_ONE = 255.0  # of a capability
_TURNS = 4
_NOTHING = -36.0  # nats: less than a double has room for beside one
# Nats: odds of a hundred to one. Requests of one session go together, and aims with lengths, so that there are about half as many
# questions as are asked, and odds look twice as long as they are.
_HALF: Final = 0.5
ODDS: Final = 4.6 / _HALF


class Counted(NamedTuple):
    """What accounts are compared by: counts of requests by what they are, a table a question.

    Attributes:
        tables: i32[accounts, answers] each.
        priors: f64[1, answers] each, pseudo-counts of what is known before any request was seen.
    """

    tables: list[Counts]
    priors: list[F64]


def counted(accounts: Behaviour) -> Counted:
    """Tables of accounts, with priors from all of them."""
    requests = accounts.counts[:, COUNT["requests"]]
    held = [accounts.counts[:, COUNT[habit]] for habit in HABITS]
    aims = np.rint(accounts.capability / _ONE).astype(np.int32)
    tables = [*accounts.lengths, aims, *(np.stack([h, requests - h], axis=1) for h in held)]
    weight = [PRIOR] * (len(accounts.lengths) + 1) + [_OF_A_HABIT] * len(HABITS)
    priors = [anybody(t.sum(axis=0, dtype=np.float64)) * (w / PRIOR) for t, w in zip(tables, weight, strict=True)]
    return Counted(tables, priors)


def of_others(of: Counted, group: I64, others: I64) -> F64:
    """Log odds of drawing from the source of each account outside, against one of its own; f64[members + n, n].

    Args:
        of: all accounts.
        group: i64[members].
        others: i64[n], accounts outside.
    """
    rows = np.concatenate([group, others])
    out = np.zeros((rows.size, others.size))
    for table, prior in zip(of.tables, of.priors, strict=True):
        mine = table[rows]
        out += log_marginals(mine, prior[0], table[others]) - log_marginal(mine, prior)[:, None]
    return out


def odds(of: Counted, group: I64, others: I64, outside: F64) -> tuple[F64, F64]:
    """Log odds of drawing from the group's source: of each of its accounts, and of those beside it, were they in it too.

    An account beside the group that draws from its source itself is nobody's other source, so that odds are found by turns.

    Args:
        of: all accounts.
        group: i64[members].
        others: i64[n], accounts outside, the nearest.
        outside: f64[members + n, n], `of_others` of both.
    """
    rows = np.concatenate([group, others])
    within = np.arange(rows.size) < group.size
    of_group = np.zeros(rows.size)
    for table, prior in zip(of.tables, of.priors, strict=True):
        _of_group(table[rows], prior, group.size, of_group)
    own = np.log(max(of.tables[0].shape[0] - group.size, 1))  # as many sources of their own as there are accounts
    of_group += np.log(max(group.size - 1, 1))
    both = np.empty(rows.size)
    _turns(of_group, outside, group.size, own, both)
    return both[within], both[~within]


@njit(cache=True, nogil=True)
def _turns(of_group: F64, outside: F64, members: int, own: float, both: F64) -> None:
    """Fill the odds of members and of those beside them; `outside` is of each against each of the latter."""
    other = np.zeros(outside.shape[1])
    for _ in range(_TURNS):
        for i in range(outside.shape[0]):
            top = own
            for k in range(other.shape[0]):
                if k != i - members:  # nobody is another to himself
                    top = max(top, outside[i, k] + other[k])
            total = math.exp(own - top)
            for k in range(other.shape[0]):
                less = outside[i, k] + other[k] - top
                if less > _NOTHING and k != i - members:
                    total += math.exp(less)
            both[i] = of_group[i] - top - math.log(total)
        for k in range(other.shape[0]):
            half = _HALF * both[members + k]  # log of the chance that it is none of the group
            other[k] = -math.log1p(math.exp(half)) if half < -_NOTHING else -half


@njit(cache=True, nogil=True)
def _of_group(counts: Counts, prior: F64, members: int, out: F64) -> None:
    """Add each one's log odds of the members' source, against one of its own, over all ways to stray from it.

    The first rows are members. Ways count by how likely they make the members, but for the fifth that they fit least.
    """
    n, bins, ways = counts.shape[0], counts.shape[1], len(_STRAY)
    joint = np.zeros(bins)
    for i in range(members):
        joint += counts[i]
    alone, inside, alpha = np.empty(n), np.empty((ways, n)), np.empty((1, bins))
    log_marginal_of(counts, prior, alone)
    for i in range(n):
        own = counts[i] if i < members else np.zeros_like(counts[i])
        whole = max((joint - own).sum(), 1.0)
        for w in range(ways):
            for j in range(bins):
                alpha[0, j] = prior[0, j] + _STRAY[w] * ((joint[j] - own[j]) / whole)
            log_marginal_of(counts[i : i + 1], alpha, inside[w, i : i + 1])
            inside[w, i] -= alone[i]
    weight = np.empty(ways)
    for w in range(ways):
        weight[w] = np.sort(inside[w, :members])[members // 5 :].sum()
    weight -= _log_sum(weight)
    for i in range(n):
        out[i] += _log_sum(inside[:, i] + weight)


@njit(cache=True, nogil=True)
def _log_sum(logs: F64) -> float:
    top = logs.max()
    return float(top + math.log(np.exp(logs - top).sum()))


def settled(of: Counted, near: Places, group: I64) -> I64:
    """A group with those of its source that stood outside, and without its bystanders; i64[members], ascending.

    Args:
        of: all accounts.
        near: where they lie, in which they are near each other.
        group: i64[members].
    """
    others = beside(near, group)
    rows = np.concatenate([group, others])
    outside = of_others(of, group, others)
    joining = odds(of, group, others, outside)[1] >= ODDS
    inside = np.flatnonzero(np.concatenate([np.ones(group.size, np.bool_), joining]))
    inside = inside[np.argsort(rows[inside])]
    left = np.flatnonzero(~joining)
    again = outside[np.ix_(np.concatenate([inside, group.size + left]), left)]
    return rows[inside][odds(of, rows[inside], others[left], again)[0] >= ODDS]
