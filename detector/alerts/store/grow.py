"""An alert's next version: what was said once is not taken back, even by a detector that started anew."""

import msgspec

from detector.alerts.model import ACTIONABLE, SEVERITIES, Alert


def grow(old: Alert, new: Alert) -> Alert:
    """The new version with all that the old one named.

    Args:
        old: as stored; its status stays, for people decide it.
        new: as the detector sees it now.
    """
    rank_old, rank_new = SEVERITIES.index(old.severity), SEVERITIES.index(new.severity)
    top = old if rank_old > rank_new else new
    known = {m.account_id for m in new.members}
    members = new.members + [m for m in old.members if m.account_id not in known]
    lost = len(members) > len(new.members)
    return msgspec.structs.replace(
        new,
        kind="cluster" if "cluster" in {old.kind, new.kind} else new.kind,
        accounts=sorted({*old.accounts, *new.accounts}),
        account_detected_at=_detected(old, new, rank_old, rank_new),
        severity=top.severity,
        status=old.status,
        risk=max(old.risk, new.risk),
        p_value=min(old.p_value, new.p_value),
        first_seen=min(old.first_seen, new.first_seen),
        detected_at=_first_detected(old, new, rank_old, rank_new),
        last_seen=max(old.last_seen, new.last_seen),
        exchanges=sum(m.exchanges for m in members) if lost else max(old.exchanges, new.exchanges),
        exchanges_before_detection=max(old.exchanges_before_detection, new.exchanges_before_detection),
        output_tokens_leaked=max(old.output_tokens_leaked, new.output_tokens_leaked),
        techniques=top.techniques,
        reasons=top.reasons,
        evidence=top.evidence,
        members=members,
        recommendation=top.recommendation,
        supersedes=[*new.supersedes, *(i for i in old.supersedes if i not in new.supersedes)],
        merged_into=new.merged_into or old.merged_into,
    )


def _first_detected(old: Alert, new: Alert, rank_old: int, rank_new: int) -> str:
    """When the alert was first told at the severity that it has now, whichever of the two versions rose."""
    if (rank_old >= ACTIONABLE) != (rank_new >= ACTIONABLE):
        # The other one's time is of a lower severity; it comes last where a detector went back to an older checkpoint.
        return (old if rank_old > rank_new else new).detected_at
    return min(old.detected_at, new.detected_at)


def _detected(old: Alert, new: Alert, rank_old: int, rank_new: int) -> dict[str, str]:
    """When each account was first named at the severity that the alert has now."""
    if (rank_old >= ACTIONABLE) != (rank_new >= ACTIONABLE):
        top, rest = (old, new) if rank_old > rank_new else (new, old)
        # The other version's times are of a lower severity; an account that only it names counts from the rise.
        late = max([top.detected_at, *top.account_detected_at.values()])
        missing = {a: max(late, t) for a, t in rest.account_detected_at.items() if a not in top.account_detected_at}
        return dict(sorted({**top.account_detected_at, **missing}.items()))
    both = {**old.account_detected_at, **new.account_detected_at}
    for account, when in old.account_detected_at.items():
        both[account] = min(when, both[account])
    return dict(sorted(both.items()))
