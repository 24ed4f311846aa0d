"""What to do about an alert: an action from the ladder, a quota, whom it binds and what it would hit."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from detector.alerts.model import (
    ACTIONABLE,
    SEVERITIES,
    Action,
    BlastRadius,
    Case,
    Limit,
    Member,
    Named,
    Recommendation,
    Subject,
    rfc3339,
)
from detector.alerts.quota import TierUsage
from detector.profiles.facts import UNKNOWN_TIER

_DAY_US = 86_400_000_000
TiersOf = Callable[[Sequence[str], int], list[str]]  # accounts and event time, µs → the tier of each
# What costs a wronged customer least comes first. Nobody is asked to prove anything (`challenge`): who is not of the core is only
# shown, and whom the evidence binds gets more than a question.
LADDER: Final[dict[str, dict[str, Action]]] = {
    # Its account is the victim, and loses least by a new key; the old one has a quota until then.
    "api_key": {"low": "observe", "medium": "review", "high": "rotate_key", "critical": "rotate_key"},
    # He has no budget to share, and goes on asking as little as the cluster's members did.
    "end_user": {"low": "observe", "medium": "review", "high": "throttle", "critical": "suspend"},
    "account": {"low": "observe", "medium": "review", "high": "throttle", "critical": "degrade"},
    "cluster": {"low": "observe", "medium": "review", "high": "throttle", "critical": "suspend"},
}
LASTS_DAYS: Final = {"low": 1, "medium": 1, "high": 7, "critical": 7}
# What can be withheld instead of the whole answer, by the reason that speaks for it.
DEGRADE: Final = {
    "SOFT_LABELS": "strip_logprobs",
    "SOFT_LABEL_POOL": "strip_logprobs",
    "REASONING_ELICITATION": "summarise_reasoning",
    "REASONING_FARM": "summarise_reasoning",
    "EMBEDDINGS_HARVEST": "round_embeddings",
    "EMBEDDINGS_POOL": "round_embeddings",
    "MULTI_SAMPLE": "single_candidate",
    "MULTI_SAMPLE_POOL": "single_candidate",
}


def _id(alert_id: str, action: str, subject: Subject) -> str:
    text = f"{alert_id}|{action}|{subject.kind}|{subject.id}"
    return "rec_" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _limits(tiers: dict[str, int], usage: TierUsage) -> tuple[Limit, ...]:
    """A cluster shares what one ordinary account of its members' commonest tier may use; a key, what its account may."""
    return usage.limits(max(tiers, key=tiers.__getitem__, default=UNKNOWN_TIER))


def _requests_per_day(case: Case, bound: int) -> float:
    """Of those that are bound, each as the case's average core member: they are more or fewer than the case was of.

    Without this the cap on traffic would not see who joined after the strongest case.
    """
    return round(bound * case.requests_per_day / max(1, sum(case.tiers.values())), 1)


def _subject(alert_id: str, kind: str, core: tuple[str, ...], members: list[Member], culprit: Named | None) -> Subject:
    if culprit is not None:
        return Subject(culprit.kind, culprit.id, core)
    return Subject("account", members[0].account_id, core) if kind == "account" else Subject("cluster", alert_id, core)


def unbound(recommendation: Recommendation, account: str) -> Recommendation | None:
    """A recommendation that no longer names an account; None where it was of this account alone.

    The blast radius stays, for which tier the account was of is not known here: too large, it errs on the side of asking people.
    """
    subject = recommendation.subject
    if subject.kind != "cluster" and subject.id == account:
        return None
    left = tuple(a for a in subject.accounts if a != account)
    return msgspec.structs.replace(recommendation, subject=msgspec.structs.replace(subject, accounts=left))


def recommend(
    alert_id: str,
    case: Case,
    level: int,
    members: list[Member],
    now: int,
    usage: TierUsage,
    tiers_of: TiersOf,
    *,
    culprit: Named | None = None,
    dry_run: bool = True,
) -> Recommendation:
    """The recommendation of an alert.

    Args:
        alert_id: the alert.
        case: its strongest case.
        level: its severity as a number.
        members: all its accounts; core ones are bound.
        now: event time, µs.
        usage: what ordinary accounts use.
        tiers_of: the account book's word on tiers. The case's own would be of its members then, and others are bound by now.
        culprit: key or end user of the only account, that is bound in its place.
        dry_run: whether a gateway must only record it.
    """
    severity = SEVERITIES[level]
    core = tuple(sorted(m.account_id for m in members if m.role == "core"))
    kind = "account" if len(members) == 1 else "cluster"
    subject = _subject(alert_id, kind, core, members, culprit)
    tiers = dict(sorted(Counter(tiers_of(core, now)).items()))
    action = LADDER[subject.kind][severity]
    degrade = tuple(sorted({DEGRADE[r.code] for r in case.reasons if r.code in DEGRADE})) if level >= ACTIONABLE else ()
    return Recommendation(
        id=_id(alert_id, action, subject),
        subject=subject,
        action=action,
        limits=_limits(tiers, usage) if level >= ACTIONABLE else (),
        degrade=degrade,
        reason_codes=tuple(r.code for r in case.reasons),
        alert_id=alert_id,
        created_at=rfc3339(now),
        expires_at=rfc3339(now + LASTS_DAYS[severity] * _DAY_US),
        dry_run=dry_run,
        blast_radius=BlastRadius(len(core), _requests_per_day(case, len(core)), tiers),
    )
