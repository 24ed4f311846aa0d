"""Precision at k: of the k accounts that an analyst would look at first, how many are hostile?"""

from collections.abc import Iterable, Sequence

import msgspec

from detector.evaluation.inputs import SEVERITIES, Alert
from detector.evaluation.intervals import wilson
from detector.evaluation.population import Population

DEPTHS = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)


class PrecisionAt(msgspec.Struct, frozen=True):
    """The accounts that come first.

    Attributes:
        k: how many.
        precision: hostile share of them; the mean over all orders of accounts that stand equal.
        low: bound of its Wilson 95 % interval.
        high: the other.
    """

    k: int
    precision: float
    low: float
    high: float


def precision_at_k(alerts: Sequence[Alert], population: Population) -> list[PrecisionAt]:
    """Precision among the first accounts, alerts of every severity included.

    An account stands as high as its best alert: by severity, then risk, then how far it belongs to the alert.

    Returns:
        For each depth that is reached, and for all named accounts; empty where nobody is named.
    """
    best: dict[str, tuple[int, float, float]] = {}
    for alert in alerts:
        belongs = {member.account_id: member.p_member for member in alert.members}
        for account in alert.accounts:
            rank = (SEVERITIES.index(alert.severity), alert.risk, belongs.get(account, 1.0))
            best[account] = max(rank, best.get(account, rank))
    groups: dict[tuple[int, float, float], list[bool]] = {}
    for account, rank in best.items():
        groups.setdefault(rank, []).append(account in population.hostile)
    tied = [groups[rank] for rank in sorted(groups, reverse=True)]
    return [_at(tied, depth) for depth in _depths(len(best))]


def _depths(named: int) -> Iterable[int]:
    return [*(depth for depth in DEPTHS if depth < named), *([named] if named else [])]


def _at(tied: list[list[bool]], k: int) -> PrecisionAt:
    hits, room = 0.0, k
    for group in tied:
        taken = min(room, len(group))
        hits += sum(group) * taken / len(group)
        room -= taken
        if room == 0:
            break
    low, high = wilson(round(hits), k)
    precision = hits / k
    return PrecisionAt(k, precision, min(low, precision), max(high, precision))
