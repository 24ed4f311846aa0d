"""Kin: clusters that share no text and are of one source, a pool in which each part has a wording of its own.

A template that mutates cuts a pool into as many clusters as there are wordings, each too small to be told. Each of them, though,
has pooled its members' lengths, and two pools of requests are told apart far more surely than two accounts are: clusters whose
pooled lengths are likelier of one source than of two, as near to each other as a generator's accounts are, and have its habits, are
proposed as one.
Whether the whole is level, and whether it is one generator's, is then asked as of any other cluster; the odds to be beaten count
how many pairs were looked at.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from detector.coordination.features.twins import anybody, log_marginal, one_generator
from detector.profiles.layout import F64, HOUR_US, I32, I64, U64, Flags

KIN: Final = 2  # in the name of a cluster, in place of the hash of a key
_ONE_SOURCE: Final = 3.0  # nats: odds of twenty to one, for each pair that was looked at
_CLAIMED: Final = 0.5  # of a cluster's members: a core is a part of its community, and no kin of it
_MOST: Final = 256  # clusters that are compared, the most level ones; what is told apart grows with the square
_NAMED: Final = 11.5  # nats by which the rules name a pool
# Bhattacharyya coefficient of two pooled histograms, of inputs and of outputs, below which no pair can be of one source; a hundred
# requests of one source have 0.97 on average.
_NEAR: Final = 0.8
# Of the requests: whoever sends a system prompt, talks or offers tools in so many more of them is another generator.
_UNLIKE: Final = 0.5
_UNRELATED: Final = 0.12  # payers over members, as the rules for pools ask
_EVERY_US: Final = HOUR_US


class Part(NamedTuple):
    """A cluster that may be a part of a larger pool, as it stood when it was looked at last.

    Attributes:
        slots: i32[members].
        texts: u64[members], hash of the text that each member is to carry, 0 where there is none.
        lengths_in, lengths_out: i64[bins], requests of all members by length.
        habits: f64[habits], shares of requests that have each of `HABITS`.
        level: nats a member by which it is level.
    """

    slots: I32
    texts: U64
    lengths_in: I64
    lengths_out: I64
    habits: F64
    level: float


def several_payers(payers: F64, members: F64) -> Flags:
    """Whether clusters may be parts of a pool: an office of seven has one payer, and many such offices would look like one pool.

    Args:
        payers: f64[clusters], distinct ones.
        members: f64[clusters].
    """
    return payers > np.maximum(1.0, _UNRELATED * members)


@dataclass
class Kin:
    """What is known of clusters that may be parts.

    Attributes:
        parts: by name.
        when: event time of the latest search, µs.
        pools: slots, ascending, and texts of the members of each pool that has more than one part.
    """

    parts: dict[tuple[int, int], Part] = field(default_factory=dict)
    when: int = 0
    pools: list[tuple[I32, U64]] = field(default_factory=list)

    def keep(self, names: Sequence[tuple[int, int]]) -> None:
        """Forget the clusters that are no more."""
        here = set(names)
        self.parts = {name: part for name, part in self.parts.items() if name in here}

    def learn(self, name: tuple[int, int], part: Part | None) -> None:
        """A cluster as it stands now; None where it can be no part of anything."""
        if part is None:
            self.parts.pop(name, None)
        else:
            self.parts[name] = part

    def find(self, lengths: tuple[F64, F64], now: int) -> list[tuple[I32, U64]]:
        """The pools at a moment; searched for once an hour.

        Args:
            lengths: f64[bins] each, requests of everybody by input and by output length.
            now: event time, µs.
        """
        if now - self.when >= _EVERY_US:
            self.when, self.pools = now, self._search(lengths)
        return self.pools

    def _search(self, lengths: tuple[F64, F64]) -> list[tuple[I32, U64]]:
        parts = self._apart()
        if len(parts) < 2:  # noqa: PLR2004 - it takes two
            return []
        pooled = [np.stack([p.lengths_in for p in parts]), np.stack([p.lengths_out for p in parts])]
        tied = _tied(pooled, [anybody(each) for each in lengths], np.stack([p.habits for p in parts]))
        n, label = connected_components(sp.csr_matrix(tied), directed=False)
        # Parts that were chosen among many for being level are level for that reason, and each has to pay for it.
        price = math.log(len(self.parts) / _MOST)
        nats = np.bincount(label, [p.level * p.slots.size - price for p in parts], n)
        worth = (np.bincount(label, minlength=n) > 1) & ((price <= 0.0) | (nats > _NAMED))
        return [_joined([parts[i] for i in np.flatnonzero(label == g)]) for g in np.flatnonzero(worth).tolist()]

    def _apart(self) -> list[Part]:
        """The most level ones, of which none is half of what was taken before it; by their first member."""
        taken: set[int] = set()
        out: list[tuple[tuple[int, int], Part]] = []
        for name, part in sorted(self.parts.items(), key=lambda item: (-item[1].level * item[1].slots.size, item[0])):
            members = set(part.slots.tolist())
            if len(members & taken) <= _CLAIMED * len(members):
                taken |= members
                out.append((name, part))
            if len(out) == _MOST:
                break
        return [part for _, part in sorted(out)]


def _tied(pooled: list[I64], alpha: list[F64], habits: F64) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which clusters are of one source; bool[n, n]."""
    n = pooled[0].shape[0]
    roots = [np.sqrt(each / np.maximum(each.sum(axis=1, keepdims=True), 1)) for each in pooled]
    same = np.abs(habits[:, None] - habits[None]).max(axis=2) <= _UNLIKE
    one, other = np.nonzero(np.triu(np.logical_and.reduce([same, *(root @ root.T > _NEAR for root in roots)]), 1))
    source, near = np.zeros(one.size), np.zeros(one.size)
    for each, prior in zip(pooled, alpha, strict=True):
        alone = log_marginal(each, prior)
        source += log_marginal(each[one] + each[other], prior) - alone[one] - alone[other]
        both = np.stack([each[one], each[other]], axis=1).reshape(-1, each.shape[1])
        near += one_generator(both, np.arange(0, 2 * one.size + 1, 2)).reshape(-1, 2).sum(axis=1)
    alike = (source > _ONE_SOURCE + math.log(max(n * (n - 1) // 2, 1))) & (near > 0.0)
    out = np.zeros((n, n), np.bool_)
    out[one[alike], other[alike]] = True
    return out


def _joined(parts: list[Part]) -> tuple[I32, U64]:
    slots, first = np.unique(np.concatenate([p.slots for p in parts]), return_index=True)
    return slots.astype(np.int32), np.concatenate([p.texts for p in parts])[first]
