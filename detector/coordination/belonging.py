"""Whose is an account among lookalikes: the group's, or one of the crowd's that stand right beside it?

A group is put together by likeness, so that each of its accounts is likelier the group's than anybody's: it was chosen for that. What
tells a member from a bystander is whether it is likelier the group's than any single other account's, of those that are most like it
and outside. Each account is taken to draw from the source of the group, or from that of one of the others, or from one of its own:
the odds are a mixture's (McLachlan and Peel, 2000), over lengths of requests and answers, what the requests are after, and habits.
"""

from typing import Final, NamedTuple

import numpy as np

from detector.coordination.behaviour import Behaviour, Counts
from detector.coordination.features.twins import PRIOR, anybody, log_marginal, log_marginals
from detector.profiles.layout import COUNT, F64, I64

HABITS: Final = ("system", "multi_turn", "tool_offer")
# Pseudo-requests that the source of a pool is worth to its members, which stray from it a little: how much is measured on the pool.
_STRAY: Final = (50.0, 400.0, 3200.0)
_OF_A_HABIT = 2.0  # pseudo-requests of the prior: people have a habit or have it not
_BESIDE = 10  # outsiders for each member, the nearest; those farther away add nothing to the sum
_AROUND = 1000  # outsiders that are nearest to the middle of a group; a group is small beside what lies between it and the others
_ONE = 255.0  # of a capability
_AT_ONCE = 4_000_000  # distances
_TURNS = 4
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


def beside(place: F64, group: I64) -> I64:
    """The accounts outside of a group that are nearest to its members; i64[n], ascending.

    Args:
        place: f64[accounts, dimensions].
        group: i64[members], rows of `place`.
    """
    most = min(_BESIDE, place.shape[0] - group.size)
    if most <= 0:
        return np.zeros(0, np.int64)
    outside = np.ones(place.shape[0], np.bool_)
    outside[group] = False
    rows = np.flatnonzero(outside)
    if rows.size > _AROUND:
        middle = ((place[rows] - place[group].mean(axis=0)) ** 2).sum(axis=1)
        rows = np.sort(rows[np.argpartition(middle, _AROUND - 1)[:_AROUND]])
    theirs, step = place[rows], max(1, _AT_ONCE // rows.size)
    length = (theirs**2).sum(axis=1)
    near = []
    for start in range(0, group.size, step):  # over members, as many as memory is for
        far = length - 2.0 * place[group[start : start + step]] @ theirs.T
        near.append(np.unique(np.argpartition(far, most - 1, axis=1)[:, :most]))
    return rows[np.unique(np.concatenate(near))]


def odds(of: Counted, group: I64, others: I64) -> tuple[F64, F64]:
    """Log odds of drawing from the group's source: of each of its accounts, and of those beside it, were they in it too.

    An account beside the group that draws from its source itself is nobody's other source, so that odds are found by turns.

    Args:
        of: all accounts.
        group: i64[members].
        others: i64[n], accounts outside, the nearest.
    """
    rows = np.concatenate([group, others])
    within = np.arange(rows.size) < group.size
    of_group, outside = np.zeros(rows.size), np.zeros((rows.size, others.size))
    for table, prior in zip(of.tables, of.priors, strict=True):
        mine = table[rows]
        alone = log_marginal(mine, prior)
        rest = mine[within].sum(axis=0, dtype=np.int64) - mine * within[:, None]
        share = rest / np.maximum(rest.sum(axis=1, keepdims=True), 1.0)
        inside = np.stack([log_marginal(mine, prior + stray * share) - alone for stray in _STRAY])
        of_group += np.logaddexp.reduce(inside + _strays(inside[:, within])[:, None], axis=0)
        outside += log_marginals(mine, prior + table[others]) - alone[:, None]
    outside[group.size :][np.diag_indices(others.size)] = -np.inf  # nobody is another to himself
    own = np.log(max(of.tables[0].shape[0] - group.size, 1))  # as many sources of their own as there are accounts
    of_group += np.log(max(group.size - 1, 1))
    both, other = of_group, np.zeros(others.size)
    for _ in range(_TURNS):
        both = of_group - np.logaddexp(np.logaddexp.reduce(outside + other, axis=1, initial=-np.inf), own)
        other = -np.logaddexp(0.0, _HALF * both[~within])  # log of the chance that it is none of the group
    return both[within], both[~within]


def _strays(members: F64) -> F64:
    """Log weight of each way to stray, by how likely it makes the members, but for the fifth that it fits least; f64[ways].

    Args:
        members: f64[ways, members], nats.
    """
    most = np.sort(members, axis=1)[:, members.shape[1] // 5 :].sum(axis=1)
    return np.asarray(most - np.logaddexp.reduce(most), np.float64)


def settled(of: Counted, place: F64, group: I64) -> I64:
    """A group with those of its source that stood outside, and without its bystanders; i64[members], ascending.

    Args:
        of: all accounts.
        place: f64[accounts, dimensions], in which they are near each other.
        group: i64[members].
    """
    others = beside(place, group)
    joining = odds(of, group, others)[1] >= ODDS
    group = np.union1d(group, others[joining])
    return group[odds(of, group, others[~joining])[0] >= ODDS]
