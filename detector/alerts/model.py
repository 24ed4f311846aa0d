"""`revenuer.alert.v1` and what leads to it: the records of the alert path."""

import inspect
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, Literal

import msgspec

Kind = Literal["account", "cluster"]
Severity = Literal["low", "medium", "high", "critical"]
Status = Literal["open", "acknowledged", "confirmed", "false_positive", "resolved"]
Role = Literal["core", "peripheral"]
Action = Literal["observe", "throttle", "challenge", "degrade", "rotate_key", "review", "suspend"]
NamedKind = Literal["api_key", "end_user"]
Side = Literal["high", "low"]
Unit = Literal["requests", "input_tokens", "output_tokens", "concurrent_requests"]

SEVERITIES: Final[tuple[Severity, ...]] = ("low", "medium", "high", "critical")
ACTIONABLE: Final = SEVERITIES.index("high")


def rfc3339(micros: int) -> str:
    """Event time in µs as RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(micros / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Reason(msgspec.Struct, frozen=True):
    """Why: one rule that fired.

    Attributes:
        code: stable reason code.
        text: a plain sentence.
        value: the feature's value, None where it is no number.
        benign_p99: the benign 99th percentile beside it, None where unknown.
        weight: nats; the weights of an alert add up to its score.
        score_without: risk without this reason, 0–100.
        unusual: the side on which values are a sign; where it is low, an ordinary value is above, and the percentile no bound.
        asked: the bound that the rule puts on the value, its own number or a benign quantile; None where it puts none.
        feature: whose value it is; empty in alerts that were made before there was this field.
        unit: of the value.
    """

    code: str
    text: str
    value: float | None
    benign_p99: float | None
    weight: float
    score_without: float
    unusual: Side = "high"
    asked: float | None = None
    feature: str = ""
    unit: str = ""


class Member(msgspec.Struct, frozen=True):
    """An account of a case, with what it had done by then.

    Attributes:
        account_id: the account.
        p_member: how far it belongs, 0–1.
        role: core members are bound by recommendations, peripheral ones are shown.
        exchanges, output_tokens: so far within the window.
        reasons: kinds of link, or codes, that name it.
    """

    account_id: str
    p_member: float
    role: Role
    exchanges: int
    output_tokens: int
    reasons: tuple[str, ...] = ()


class Named(msgspec.Struct, frozen=True):
    """A key or an end user of an account that is the culprit, where the account is its victim.

    Attributes:
        kind: api_key or end_user.
        id: its id.
        carrying, other: its exchanges with and without what the cluster shares, since the alert.
        alone: of an end user: he is one of a few that carry it, where the account has as many that do not.
    """

    kind: NamedKind
    id: str
    carrying: int
    other: int
    alone: bool = False

    @property
    def instead(self) -> bool:
        """Whether it is bound in place of its account: a client can call its users what it likes."""
        return self.kind == "api_key" or self.alone


class Case(msgspec.Struct, frozen=True, dict=True):
    """What one tick says of one account or cluster; cases become alerts.

    Attributes:
        kind: account or cluster.
        members: the accounts.
        severity, risk, p_value: of the case as a whole.
        reasons: strongest first.
        techniques: MITRE ATLAS ids.
        evidence: JSON-able, without any text but masked skeletons.
        first_seen, last_seen: µs.
        tiers: core members by tier.
        requests_per_day: of the core members, for the blast radius.
        organisations: distinct organisations of the members.
        texts: kind, short hash and holders of what the members send in common, whose masked words may be found later.
    """

    kind: Kind
    members: tuple[Member, ...]
    severity: Severity
    risk: float
    p_value: float
    reasons: tuple[Reason, ...]
    techniques: tuple[str, ...]
    evidence: dict[str, Any]
    first_seen: int
    last_seen: int
    tiers: dict[str, int]
    requests_per_day: float
    organisations: int = 0
    texts: tuple[tuple[int, int, int], ...] = ()

    @property
    def level(self) -> int:
        """Severity as a number."""
        return SEVERITIES.index(self.severity)

    @cached_property
    def accounts(self) -> frozenset[str]:
        """Ids of the members."""
        return frozenset(m.account_id for m in self.members)


class Subject(msgspec.Struct, frozen=True):
    """Whom a recommendation binds."""

    kind: Literal["account", "api_key", "end_user", "org", "cluster"]
    id: str
    accounts: tuple[str, ...]


class Limit(msgspec.Struct, frozen=True):
    """A quota over a window, in seconds."""

    unit: Unit
    quota: int
    window_s: int


class BlastRadius(msgspec.Struct, frozen=True):
    """What acting would hit."""

    accounts: int
    requests_per_day: float
    revenue_tier_mix: dict[str, int]


class Recommendation(msgspec.Struct, frozen=True):
    """What to do about an alert, in a form that `revenuer render` writes for a gateway."""

    id: str
    subject: Subject
    action: Action
    limits: tuple[Limit, ...]
    degrade: tuple[str, ...]
    reason_codes: tuple[str, ...]
    alert_id: str
    created_at: str
    expires_at: str
    dry_run: bool
    blast_radius: BlastRadius


class Advice(msgspec.Struct, frozen=True):
    """A recommendation as it was made, at its `created_at`; the next one of the same alert takes its place.

    Attributes:
        severity: of the alert by then.
        supersedes: alerts that were merged into it by then; what was recommended for them is over.
        recommendation: what a gateway would have been told.
    """

    severity: Severity
    supersedes: tuple[str, ...]
    recommendation: Recommendation


class Alert(msgspec.Struct):
    """An alert as it is written and served; fields as in the contract."""

    id: str
    kind: Kind
    accounts: list[str]
    account_detected_at: dict[str, str]
    severity: Severity
    risk: float
    p_value: float
    status: Status
    first_seen: str
    detected_at: str
    last_seen: str
    exchanges: int
    exchanges_before_detection: int
    output_tokens_leaked: int
    techniques: list[str]
    reasons: list[Reason]
    evidence: dict[str, Any]
    members: list[Member]
    recommendation: Recommendation | None
    supersedes: list[str] = []
    merged_into: str | None = None
    headline: str = ""
    schema: str = "revenuer.alert.v1"


def alert_schema() -> dict[str, Any]:
    """JSON Schema of an alert."""
    schema = msgspec.json.schema(Alert)
    for each in schema["$defs"].values():
        if "description" in each:
            # A docstring, whose indentation is kept by some versions of msgspec and Python, and not by others.
            each["description"] = inspect.cleandoc(each["description"])
    return schema
