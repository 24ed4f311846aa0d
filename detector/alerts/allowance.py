"""Allowances, applied before alerting: owned, expiring permissions that cover reason codes; all else still alerts."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from detector.alerts.explained import reweighed
from detector.alerts.later import told
from detector.alerts.model import Case, Member, Reason, Severity
from detector.scoring.combined import ANOMALY

EVERYTHING: Final = "*"
# Which reasons a permission explains. An unknown name covers nothing: a typo must not hide an account.
COVERS: Final[Mapping[str, tuple[str, ...]]] = {
    "distillation": (EVERYTHING,),
    "sanctioned_distillation": (EVERYTHING,),
    "evaluation": (
        "GRADING_BULK",
        "GRADING_FARM",
        "MULTI_SAMPLE",
        "SOFT_LABELS",
        "TRAINING_VALUE",
        "FIXED_PACE",
        "FLAT_RHYTHM",
    ),
    # A sum over many customers has the lengths of all customers and hardly varies: resellers are alike and level, whoever runs them.
    "reseller": (
        "ROTATING_NETWORKS",
        "TOPIC_SWEEP",
        "FLAT_RHYTHM",
        "OUTPUT_HEAVY",
        "FRESH_VOLUME",
        "PROBABLE_OPERATOR",
        "ONE_OPERATOR",
        "LEVELLED_POOL",
        "EVEN_LOAD",
        "LENGTH_TWINS",
    ),
    "research": ("SOFT_LABELS", "MULTI_SAMPLE", "MODEL_PROBE"),
    "embeddings": ("EMBEDDINGS_HARVEST", "EMBEDDINGS_POOL"),
}
_CLUSTER: Final = 3  # accounts; fewer than that, left over where most were allowed, were beside them


class Rescored(NamedTuple):
    """What is left of a score.

    Attributes:
        score: nats.
        p_value, risk: of it.
        weights: nats by reason code; they add up to the score.
        without: risk without each reason.
        severity: None where it alerts no more.
    """

    score: float
    p_value: float
    risk: float
    weights: Mapping[str, float]
    without: Mapping[str, float]
    severity: Severity | None = None


Rescore = Callable[[str, Sequence[str]], Rescored]
"""(kind, remaining codes) → what is left."""


@dataclass(frozen=True)
class Allowance:
    """A permission of one account.

    Attributes:
        name: looked up in the table of what it covers.
        owner: who answers for it, if known.
        expires_at: µs, None where it does not expire.
        since, until: event times, µs, at which it became known and was taken back; it holds in between.
        scope: reason codes that it is limited to; None where it covers all that its name does.
    """

    name: str
    owner: str | None = None
    expires_at: int | None = None
    since: int = 0
    until: int | None = None
    scope: tuple[str, ...] | None = None

    def holds(self, now: int) -> bool:
        """Whether it is known at `now` (µs), and has neither expired nor been taken back."""
        return self.since <= now and all(end is None or end > now for end in (self.expires_at, self.until))


def covered(allowances: Sequence[Allowance], now: int, table: Mapping[str, tuple[str, ...]] = COVERS) -> frozenset[str]:
    """Reason codes that the allowances of an account cover now; `EVERYTHING` covers all."""
    return frozenset().union(*(covers(a, table) for a in allowances if a.holds(now)))


def covers(allowance: Allowance, table: Mapping[str, tuple[str, ...]] = COVERS) -> frozenset[str]:
    """Reason codes that an allowance covers while it holds: its name's, and of these only those in its scope, where it has one.

    Whoever has leave for anything has leave to be strange, for unusual work is what leave is given for; but by a scope only where
    it says so.
    """
    codes = frozenset(table.get(allowance.name, ()))
    codes = codes | {ANOMALY} if codes else codes
    if allowance.scope is None:
        return codes
    return frozenset(allowance.scope) if EVERYTHING in codes else codes & frozenset(allowance.scope)


def unknown(allowances: Mapping[str, Sequence[Allowance]]) -> Counter[str]:
    """Names that cover nothing since nobody knows them, with the number of accounts that have each.

    Args:
        allowances: by account id.
    """
    return Counter(name for given in allowances.values() for name in {a.name for a in given} if name not in COVERS)


def unknown_scopes(allowances: Mapping[str, Sequence[Allowance]], codes: Iterable[str]) -> Counter[str]:
    """Codes of scopes that are no reason's, and cover nothing, with the number of accounts that have each.

    Args:
        allowances: by account id.
        codes: of the rules.
    """
    known = {*codes, ANOMALY}
    return Counter(c for given in allowances.values() for c in {c for a in given for c in a.scope or ()} - known)


def uncovered(reasons: Sequence[Reason], codes: frozenset[str]) -> list[Reason]:
    """Reasons that codes do not cover."""
    return [] if EVERYTHING in codes else [r for r in reasons if r.code not in codes]


def staying(members: Sequence[Member], reasons: Sequence[Reason], codes: Mapping[str, frozenset[str]]) -> list[Member]:
    """Members of a cluster that some of its reasons still accuses; none where those left are too few to be a case.

    Args:
        members: of the cluster.
        reasons: of the cluster.
        codes: by account id, what its allowances cover; accounts without any may be absent.
    """
    left = [m for m in members if not (mine := codes.get(m.account_id)) or uncovered(reasons, mine)]
    return [] if len(left) < _CLUSTER and 2 * len(left) < len(members) else left


def apply(case: Case, now: int, allowances: Mapping[str, Sequence[Allowance]], rescore: Rescore) -> Case | None:
    """What is left of a case after its members' allowances; None where nothing is.

    An account's covered reasons go, and its score with them. A member of a cluster goes when every reason of the
    cluster is covered for it; the others stay.

    Args:
        case: from the scores.
        now: event time, µs.
        allowances: by account id; accounts without any may be absent.
        rescore: severity, risk and p-value of the reasons that remain.
    """
    if allowances.keys().isdisjoint(case.accounts):
        return case
    codes = {m.account_id: covered(allowances.get(m.account_id, ()), now) for m in case.members}
    if not any(codes.values()):
        return case
    if case.kind == "cluster":
        members = tuple(staying(case.members, case.reasons, codes))
        return msgspec.structs.replace(case, members=members) if members else None
    (member,) = case.members
    left = uncovered(case.reasons, codes[member.account_id])
    if not left:
        return None
    rescored = rescore(case.kind, [r.code for r in left])
    if rescored.severity is None:
        return None
    reasons = [
        msgspec.structs.replace(r, weight=rescored.weights[r.code], score_without=rescored.without[r.code])
        for r in left
    ]
    return msgspec.structs.replace(
        case,
        reasons=tuple(sorted(reasons, key=lambda r: (-r.weight, r.code))),
        severity=rescored.severity,
        risk=rescored.risk,
        p_value=rescored.p_value,
        evidence=_reweighed(case, rescored, reasons),
    )


def _reweighed(case: Case, rescored: Rescored, reasons: list[Reason]) -> dict[str, Any]:
    evidence = told(case.evidence) | {"score": round(rescored.score, 3)}
    explained = evidence.get("explanation")
    if explained is None:
        return evidence
    return evidence | {"explanation": reweighed(explained, rescored.score, rescored.risk, reasons)}
