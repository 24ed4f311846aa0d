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
from detector.coordination.behaviour import Counts
from detector.coordination.counted import Counted, of_others
from detector.coordination.features.twins import log_product
from detector.profiles.layout import F64, I64

# Pseudo-requests that the source of a pool is worth to its members, which stray from it a little: how much is measured on the pool.
_STRAY: Final = (50.0, 400.0, 3200.0)
_TURNS = 4
_NOTHING = -36.0  # nats: less than a double has room for beside one
# Nats: odds of a hundred to one. Requests of one session go together, and aims with lengths, so that there are about half as many
# questions as are asked, and odds look twice as long as they are.
_HALF: Final = 0.5
ODDS: Final = 4.6 / _HALF


class Source(NamedTuple):
    """What is drawn from, in each way to stray from it.

    Attributes:
        alpha: f64[ways, answers], pseudo-counts.
        whole: f64[ways], their sums.
        gamma: f64[ways], log of Γ of those.
    """

    alpha: F64
    whole: F64
    gamma: F64


@njit(cache=True, nogil=True)
def odds(of: Counted, group: I64, others: I64, outside: F64) -> tuple[F64, F64]:
    """Log odds of drawing from the group's source: of each of its accounts, and of those beside it, were they in it too.

    An account beside the group that draws from its source itself is nobody's other source, so that odds are found by turns.

    Args:
        of: all accounts.
        group: i64[members].
        others: i64[n], accounts outside, the nearest.
        outside: f64[members + n, n], `of_others` of both.
    """
    members, rows = group.shape[0], np.concatenate((group, others))
    of_group = np.zeros(rows.shape[0])
    for table in range(of.bounds.shape[0] - 1):
        _of_group(of, table, rows, members, of_group)
    own = of.log[max(of.counts.shape[0] - members, 1)]  # as many sources of their own as there are accounts
    of_group += of.log[max(members - 1, 1)]
    both = np.empty(rows.shape[0])
    _turns(of_group, outside, members, own, both)
    return both[:members], both[members:]


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
def _strayed(prior: F64, joint: F64, out: Source) -> None:
    """Fill what is drawn from by those who stray from the source of some requests, in each way."""
    left = max(joint.sum(), 1.0)
    for w in range(len(_STRAY)):
        whole = 0.0
        for j in range(prior.shape[0]):
            out.alpha[w, j] = prior[j] + _STRAY[w] * (joint[j] / left)
            whole += out.alpha[w, j]
        if whole != out.whole[w]:
            out.whole[w], out.gamma[w] = whole, math.lgamma(whole)


@njit(cache=True, nogil=True)
def _of_group(of: Counted, table: int, rows: I64, members: int, out: F64) -> None:
    """Add each one's log odds of the members' source, against one of its own, over all ways to stray from it.

    The first rows are members. Ways count by how likely they make the members, but for the fifth that they fit least.
    """
    start, stop = of.bounds[table], of.bounds[table + 1]
    n, ways, prior, joint = rows.shape[0], len(_STRAY), of.prior[start:stop], np.zeros(stop - start)
    for i in rows[:members]:
        joint += of.counts[i, start:stop]
    source, inside = Source(np.empty((ways, stop - start)), np.zeros(ways), np.zeros(ways)), np.empty((n, ways))
    for i in range(n):
        counts, seen = of.counts[rows[i], start:stop], of.seen[rows[i], table]
        if i < members:
            _strayed(prior, joint - counts, source)
        elif i == members:  # the same for all outside
            _strayed(prior, joint, source)
        for w in range(ways):
            inside[i, w] = _drawn(counts, seen, source, w) - of.alone[rows[i], table]
    weight = np.empty(ways)
    for w in range(ways):
        weight[w] = np.sort(inside[:members, w])[members // 5 :].sum()
    weight -= _log_sum(weight, np.zeros(ways))
    for i in range(n):
        out[i] += _log_sum(inside[i], weight)


@njit(cache=True, nogil=True)
def _drawn(counts: Counts, seen: int, source: Source, way: int) -> float:
    """`log_marginal` of one row of counts, where sums are known."""
    whole = math.lgamma(source.whole[way] + seen) - source.gamma[way] if seen > 0 else 0.0
    return log_product(counts, source.alpha[way]) - whole


@njit(cache=True, nogil=True)
def _log_sum(logs: F64, more: F64) -> float:
    """Log of the sum of what both are the logs of, without a copy."""
    top, total = -np.inf, 0.0
    for w in range(logs.shape[0]):
        top = max(top, logs[w] + more[w])
    for w in range(logs.shape[0]):
        total += math.exp(logs[w] + more[w] - top)
    return float(top + math.log(total))


@njit(cache=True, nogil=True)
def settled(of: Counted, near: Places, group: I64) -> I64:
    """A group with those of its source that stood outside, and without its bystanders; i64[members], ascending.

    Args:
        of: all accounts.
        near: where they lie, in which they are near each other.
        group: i64[members].
    """
    others = beside(near, group)
    outside = of_others(of, group, others)
    inside, beyond = odds(of, group, others, outside)
    joining = beyond >= ODDS
    if joining.any():  # otherwise the same would be asked again
        members, left = np.concatenate((group, others[joining])), np.flatnonzero(~joining)
        kept = np.concatenate((np.arange(group.shape[0]), group.shape[0] + np.flatnonzero(joining)))
        again = outside[np.concatenate((kept, group.shape[0] + left))][:, left]
        group, inside = members, odds(of, members, others[left], again)[0]
    return np.sort(group[inside >= ODDS])
