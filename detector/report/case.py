"""An alert as the report shows it: read leniently, because a page with a gap is better than no page."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from detector.report.formats import epoch

SEVERITIES = ("critical", "high", "medium", "low")
ACTIONABLE = ("critical", "high")
HUGE = 1e300


class Reason(msgspec.Struct, frozen=True):
    """Why: a value beside the benign 99th percentile, its nats by feature, and the case's score without it.

    Attributes:
        low: whether it is low values that are a sign.
        asked: the bound that the rule puts on the value.
        feature: whose value it is; empty where the alert does not say.
        unit: of the value.
    """

    code: str
    text: str
    value: float | None
    benign_p99: float | None
    weight: float
    score_without: float | None
    low: bool = False
    asked: float | None = None
    feature: str = ""
    unit: str = ""
    features: dict[str, float] = {}


class Skeleton(msgspec.Struct, frozen=True):
    """A masked text that members share."""

    text: str
    accounts: int | None
    exchanges: int | None


class Member(msgspec.Struct, frozen=True):
    """An account of the case."""

    account: str
    p_member: float | None
    role: str
    reasons: list[str]
    detected_at: float | None
    exchanges: float | None
    output_tokens: float | None
    log_refs: list[str]


class Case(msgspec.Struct, frozen=True):
    """One alert; times are epoch seconds of event time."""

    id: str
    kind: str
    severity: str
    status: str
    risk: float
    p_value: float | None
    accounts: list[str]
    payers: int | None
    first_seen: float | None
    detected_at: float | None
    last_seen: float | None
    exchanges: float | None
    exchanges_before: float | None
    tokens_leaked: float | None
    techniques: list[str]
    reasons: list[Reason]
    links: dict[str, float]
    skeletons: list[Skeleton]
    capabilities: dict[str, float]
    hours: list[float]
    counts: list[float]
    members: list[Member]
    recommendation: dict[str, Any]
    score: float | None = None
    features: dict[str, float] = {}
    link_nats: dict[str, float] = {}
    words: list[str] = []
    culprits: list[str] = []

    @property
    def actionable(self) -> bool:
        """Whether it is high or above."""
        return self.severity in ACTIONABLE


class Sums(NamedTuple):
    """Of several cases: exchanges, and what had got out before the accounts were named."""

    exchanges: float
    before: float
    tokens: float


def sums_of(cases: Sequence[Case]) -> Sums:
    """What the accounts of some cases did; an account that is in several, as after a split, counts once.

    A case tells what leaked of all its accounts together: one that has some of a larger case's gives the share of its others.
    """
    counted: set[str] = set()
    out = Sums(0.0, 0.0, 0.0)
    for case in sorted(cases, key=lambda case: (-len(case.accounts), case.id)):
        mine = {member.account: member.exchanges or 0.0 for member in case.members}
        left = sum(did for account, did in mine.items() if account not in counted)
        share = left / sum(mine.values()) if any(mine.values()) else float(not counted & mine.keys())
        told = (case.exchanges, case.exchanges_before, case.tokens_leaked)
        out = Sums(*(whole + share * (part or 0.0) for whole, part in zip(out, told, strict=True)))
        counted |= mine.keys()
    return out


def read_cases(alerts: list[dict[str, Any]]) -> list[Case]:
    """Every alert, the most severe and riskiest first; ties by id.

    Args:
        alerts: alerts as DESIGN §4 has them. One that was merged into another is left out: the other stands for it.

    Returns:
        The cases.
    """
    cases = [read_case(alert) for alert in alerts if not alert.get("merged_into")]
    return sorted(cases, key=lambda case: (SEVERITIES.index(case.severity), -case.risk, case.id))


def read_case(alert: Mapping[str, Any]) -> Case:
    """One alert."""
    evidence = as_dict(alert.get("evidence"))
    why = as_dict(evidence.get("explanation"))
    timeline = as_dict(evidence.get("timeline"))
    hours, counts = as_list(timeline.get("hours")), as_list(timeline.get("counts"))
    points = [
        (when, count)
        for hour, value in zip(hours, counts, strict=False)
        if (when := epoch(hour)) is not None and (count := real(value)) is not None
    ]
    severity = str(alert.get("severity"))
    return Case(
        id=str(alert.get("id", "")),
        kind=str(alert.get("kind", "account")),
        severity=severity if severity in SEVERITIES else "low",
        status=str(alert.get("status", "open")),
        risk=real(alert.get("risk")) or 0.0,
        p_value=real(alert.get("p_value")),
        accounts=[str(account) for account in as_list(alert.get("accounts"))],
        payers=whole(evidence.get("payers")),
        first_seen=epoch(alert.get("first_seen")),
        detected_at=epoch(alert.get("detected_at")),
        last_seen=epoch(alert.get("last_seen")),
        exchanges=real(alert.get("exchanges")),
        exchanges_before=real(alert.get("exchanges_before_detection")),
        tokens_leaked=real(alert.get("output_tokens_leaked")),
        techniques=[str(name) for name in as_list(alert.get("techniques"))],
        reasons=[_reason(as_dict(reason), why) for reason in as_list(alert.get("reasons"))],
        links=shares(evidence.get("links")),
        skeletons=[_skeleton(skeleton) for skeleton in as_list(evidence.get("skeletons"))],
        capabilities=shares(evidence.get("capabilities")),
        hours=[when for when, _ in points],
        counts=[count for _, count in points],
        members=_members(alert),
        recommendation=as_dict(alert.get("recommendation")),
        score=real(why.get("score")),
        features=shares(why.get("features")),
        link_nats=shares(why.get("links")),
        words=[str(sentence) for sentence in as_list(why.get("words"))],
        culprits=_culprits(as_dict(evidence.get("culprits"))),
    )


def _reason(reason: Mapping[str, Any], why: Mapping[str, Any]) -> Reason:
    code = str(reason.get("code", ""))
    return Reason(
        code=code,
        text=str(reason.get("text") or code),
        value=real(reason.get("value")),
        benign_p99=real(reason.get("benign_p99")),
        weight=real(reason.get("weight")) or 0.0,
        score_without=real(reason.get("score_without")),
        low=reason.get("unusual") == "low",
        asked=real(reason.get("asked")),
        feature=str(reason.get("feature") or ""),
        unit=str(reason.get("unit") or ""),
        features=shares(as_dict(why.get("by_reason")).get(code)),
    )


def _culprits(found: Mapping[str, Any]) -> list[str]:
    """A sentence for each key or end user that is named in place of its account."""
    out = []
    for account, named in sorted(found.items()):
        for each in map(as_dict, as_list(named)):
            kind, carrying = str(each.get("kind", "")).replace("_", " "), whole(each.get("carrying")) or 0
            out.append(f"{account}: {kind} {each.get('id', '')}, {carrying:,} exchanges with the shared text")
    return out


def _skeleton(skeleton: object) -> Skeleton:
    if isinstance(skeleton, Mapping):
        return Skeleton(
            str(skeleton.get("text", "")), whole(skeleton.get("accounts")), whole(skeleton.get("exchanges"))
        )
    return Skeleton(str(skeleton), None, None)


def _members(alert: Mapping[str, Any]) -> list[Member]:
    detected = as_dict(alert.get("account_detected_at"))
    refs = as_dict(as_dict(alert.get("evidence")).get("log_refs"))
    members = [as_dict(member) for member in as_list(alert.get("members"))]
    members = members or [{"account_id": account} for account in as_list(alert.get("accounts"))]
    return [
        Member(
            account=str(member.get("account_id", "")),
            p_member=real(member.get("p_member")),
            role=str(member.get("role", "")),
            reasons=[
                str(as_dict(reason).get("code", "")) if isinstance(reason, Mapping) else str(reason)
                for reason in as_list(member.get("reasons"))
            ],
            detected_at=epoch(detected.get(str(member.get("account_id")))),
            exchanges=real(member.get("exchanges")),
            output_tokens=real(member.get("output_tokens")),
            log_refs=[str(ref) for ref in as_list(refs.get(str(member.get("account_id"))))],
        )
        for member in members
    ]


def as_dict(value: object) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return dict(value) if isinstance(value, Mapping) else {}


def as_list(value: object) -> list[Any]:
    """The value if it is a list or tuple, else an empty one."""
    return list(value) if isinstance(value, list | tuple) else []


def real(value: object) -> float | None:
    """The value if it is a finite number, else None."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < HUGE
    return float(value) if good else None  # type: ignore[arg-type]  # `good` says that it is a number


def whole(value: object) -> int | None:
    """The value as an integer if it is a finite number, else None."""
    found = real(value)
    return None if found is None else int(found)


def shares(value: object) -> dict[str, float]:
    """Positive numbers by name, largest first; ties by name."""
    found = {
        str(name): amount for name, raw in as_dict(value).items() if (amount := real(raw)) is not None and amount > 0.0
    }
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
