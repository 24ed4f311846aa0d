"""Who belongs: how strongly each account of a community is tied to the others and behaves as they do, against a bystander."""

from collections.abc import Sequence

import numpy as np
from numba import njit

from detector.coordination.behaviour import Counts
from detector.coordination.features.base import ClusterView, Population
from detector.coordination.features.twins import anybody, log_marginal, log_marginal_row
from detector.coordination.graph import GLUE
from detector.coordination.peers import rarity
from detector.profiles.layout import COUNT, F64, I64, U64, Flags

CORE = 0.5  # share of the cluster's typical tie that makes a member core
MEMBER = 0.25  # below it an account shares the neighbourhood and no more
# Nats, odds of twenty to one: of members, one in twenty may lack what the others share.
LACKS = 3.0
# Nats: likeness, and ties twice, since an account that shares a rare key by chance rarely behaves like the rest as well. Odds of
# twenty to one twice over, for many stand beside: on eight worlds with attacks as many members come in as did by odds of likeness as
# such, at nine nats, and of eleven innocents one.
BELONGS = 2.0 * LACKS
# The same where likeness is what a cluster was found by, and was paid for: it counts as such, and is not compared with others' again.
_ALIKE_BELONGS = 9.0
_SOURCE = 50.0  # pseudo-requests that the others' lengths are worth: members of one pool stray a little too


def ties(view: ClusterView) -> F64:
    """Nats of surprise by which each member is tied to its cluster, all kinds added; f64[members].

    A key counts for less the fewer of the members hold it (by the root of their share): what two bystanders have in common does
    not tie them to the cluster. Client stacks and mail domains, which strangers have in common every day, count at most for how much
    more frequent they are among the members.
    """
    _, kind, weight, share = view.shared
    tied = weight * np.sqrt(share)
    than_others = np.maximum(weight + np.log(share), 0.0)
    tied = np.where(GLUE[kind], tied, np.minimum(tied, than_others))
    return np.asarray(view.strongest(tied).sum(axis=1), np.float64)


def bonds(view: ClusterView) -> F64:
    """Nats by which what each account holds, and what it lacks, is likelier of a member than of anybody; f64[members].

    For clusters found by likeness, of which ties are a second witness: where nearly all share a key, an account without it is no
    member. Of each kind of link the key that tells the other members best from everybody; kinds are added.
    """
    member, edge = view.links.of(view.slots)
    bounds = np.searchsorted(member, view.offsets)
    out = np.zeros(view.slots.size)
    for g in np.flatnonzero(view.alike):  # over clusters
        edges, start = edge[bounds[g] : bounds[g + 1]], view.offsets[g]
        size = int(view.offsets[g + 1] - start)
        held, kind, holders = _held(view, member[bounds[g] : bounds[g + 1]] - start, edges, size)
        of = held.sum(axis=0)
        # Of the others, so that nobody speaks for himself; half a holder is added, since none that was seen is not none.
        inside = (of - held + 0.5) / size
        outside = (np.maximum(holders - of, 0) + 0.5) / (view.population.size - size + 1)
        has, lacks = np.log(inside / outside), np.log((1.0 - inside) / (1.0 - outside))
        telling = np.where(inside > outside, inside * has + (1.0 - inside) * lacks, 0.0)
        for k in np.unique(kind):  # over kinds of link
            own = np.flatnonzero(kind == k)
            best = own[telling[:, own].argmax(axis=1)]
            place = np.arange(size), best
            nats = np.where(held[place], has[place], lacks[place])
            out[start : start + size] += np.where(telling[place] > 0.0, nats, 0.0)
    return out


def _held(view: ClusterView, member: I64, edge: I64, size: int) -> tuple[Flags, I64, I64]:
    """bool[members, keys] of one cluster, the kind of each key, and how many of all accounts hold it."""
    keys, first, place = np.unique(view.links.key[edge], return_index=True, return_inverse=True)
    held = np.zeros((size, keys.size), np.bool_)
    held[member, place] = True
    return held, view.links.kind[edge][first].astype(np.int64), view.links.holders[keys].astype(np.int64)


@njit(cache=True, nogil=True)
def _add_alike(each: I64 | Counts, rows: I64, others: I64, alpha: F64, alone: F64, out: F64) -> None:
    prior = np.empty(alpha.shape[0])
    for n in range(rows.shape[0]):
        if n < others.shape[0]:  # one row is the same for all
            whole = max(others[n].sum(), 1.0)
            for j in range(prior.shape[0]):
                prior[j] = alpha[j] + _SOURCE * others[n, j] / whole
        out[n] += log_marginal_row(each[rows[n]], prior) - alone[rows[n]]


def _alike(
    each: Sequence[I64 | Counts], rows: I64, others: Sequence[I64], alone: Sequence[F64], every: Population
) -> F64:
    """Nats by which accounts' lengths are likelier of the source of others' than anybody's; f64[n].

    Args:
        each: integers[accounts, bins], requests by length of input and of output.
        rows: i64[n], those that are asked.
        others: i64[n or 1, bins] of the same two, of all the others together.
        alone: f64[accounts], as `_alone` gives it.
        every: all accounts.
    """
    out = np.zeros(rows.size)
    for own, of, nats, of_all in zip(each, others, alone, (every.lengths_in, every.lengths_out), strict=True):
        _add_alike(own, rows, of, anybody(of_all)[0], nats, out)
    return out


def _alone(each: Sequence[I64 | Counts], every: Population) -> list[F64]:
    """Log probability of accounts' lengths of input and of output, as anybody's."""
    of_all = every.lengths_in, every.lengths_out
    return [log_marginal(own, anybody(of)) for own, of in zip(each, of_all, strict=True)]


def _rare(view: ClusterView, g: int, members: I64, nats: F64, joined: Sequence[I64]) -> F64:
    """Nats by which it is rare to be as alike as some members of a cluster are, for accounts of their size; f64[n].

    Args:
        view: of clusters.
        g: which cluster.
        members: i64[n], places of some of its members.
        nats: f64[n], by which they are alike.
        joined: i64[clusters, bins] each, lengths of input and of output of each cluster.
    """
    every, peers = view.population, view.population.peers
    each, names = (peers.sent, peers.got), ("peers sent", "peers got")
    if names[0] not in every.computed:
        every.computed.update(zip(names, _alone(each, every), strict=True))
    requests = view.each.counts[members, COUNT["requests"]].astype(np.float64)
    rows = peers.beside(view.slots[view.offsets[g] : view.offsets[g + 1]], requests)
    others = _alike(each, rows, [of[[g]] for of in joined], [every.computed[name] for name in names], every)
    return rarity(nats, requests, others, peers.requests[rows])


def lengths(view: ClusterView, tie: F64) -> F64:
    """Nats by which each member's lengths are likelier as the rest's than as anybody's; f64[members].

    Where ties found a cluster, no more than it is rare for an account of the member's size to be as alike: that is never less than
    nothing, takes long, and is asked where it decides who comes to `BELONGS`.

    Args:
        view: of clusters.
        tie: f64[members], as `ties` gives it.
    """
    each = view.each.lengths_in, view.each.lengths_out
    joined, everybody = [view.joined(own) for own in each], np.arange(view.slots.size)
    others = [of[view.cluster] - own for of, own in zip(joined, each, strict=True)]
    nats = _alike(each, everybody, others, _alone(each, view.population), view.population)
    without, most = (2.0 * tie + (view.level + like) for like in (0.0, nats))
    asked = np.flatnonzero(~view.alike[view.cluster] & (nats > 0.0) & (without < BELONGS) & (most >= BELONGS))
    for g in np.unique(view.cluster[asked]):  # over clusters
        some = asked[view.cluster[asked] == g]
        nats[some] = np.minimum(nats[some], _rare(view, g, some, nats[some], joined))
    return nats


def levelled_with(view: ClusterView, texts: U64) -> Flags:
    """Whether the part of its cluster that each member came with is levelled with the others; bool[members].

    Asked where clusters were put together of several, which were level by themselves and whose lengths are of one source: the members
    of a part are to be level around what all of them do as well, half as much as those of the other parts at least. People beside a
    pool, who happen to ask alike, have a level of their own.

    Args:
        view: of clusters.
        texts: u64[members], the text that holds each one's part together.
    """
    number = np.unique(texts, return_inverse=True)[1]
    _, part = np.unique(view.cluster * (number.max(initial=0) + 1) + number, return_inverse=True)
    own, size = np.bincount(part, view.level)[part], np.bincount(part)[part]
    others, left = view.total(view.level)[view.cluster] - own, view.size[view.cluster] - size
    lagging = own / size < CORE * others / np.maximum(left, 1.0)
    return np.asarray(~(view.several[view.cluster] & (left > 0) & lagging), np.bool_)


def membership(view: ClusterView, texts: U64) -> F64:
    """How much of the typical tie of its cluster each account has, 0–1; 0 for one that behaves unlike the rest; f64[members].

    The typical tie is the median over the community. In a cluster that was found by likeness, likeness is the tie, and an account
    whose volume is likelier anybody's is a bystander. So is one at `MEMBER` or below: on the same network, say, and nothing else;
    and one whose ties and likeness together do not reach `BELONGS`; and, among lookalikes, one that lacks what nearly all others
    share; and, where several clusters were put together, one of a part that is not levelled with the others.

    Args:
        view: of clusters.
        texts: u64[members], the text that holds each one's cluster together, 0 where that is none.
    """
    tie, level = ties(view), view.level
    like = level + lengths(view, tie)
    alike = np.where((level > 0.0) & (bonds(view) > -LACKS), np.maximum(like, 0.0), 0.0)
    strength = np.where(view.alike[view.cluster], alike, tie)
    out = np.zeros(tie.size)
    for g in range(view.offsets.size - 1):  # over clusters
        part = slice(view.offsets[g], view.offsets[g + 1])
        out[part] = np.minimum(strength[part] / max(float(np.median(strength[part])), 1e-9), 1.0)
    least = np.where(view.alike, _ALIKE_BELONGS, BELONGS)[view.cluster]
    return np.where((2.0 * tie + like < least) | ~levelled_with(view, texts), 0.0, out)
