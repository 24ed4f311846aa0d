"""The life of one alert: what is remembered beyond its last case."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from detector.alerts.later import told
from detector.alerts.model import ACTIONABLE, SEVERITIES, Alert, Case, Member, Named, Recommendation, Role, rfc3339
from detector.report.words import headline_of

# Kinds of link that strangers have in common every day.
_POPULAR = frozenset({"tls", "mail"})
INDICATED = ("indicator",)  # reasons of a member that was named between ticks
_ID_BYTES = 8
_SHOWN = 3  # requests with a cluster's own text after which a joiner is one of its core: once can be chance
# No look has called a member core for so long: it is bound no more. An alerted cluster is looked at every six hours at least.
_RELEASED_US = 43_200_000_000
_DAY_US = 86_400_000_000
_OF_ALL = ("score", "explanation", "links", "skeletons")  # evidence of a cluster that holds for each member


class Latest(NamedTuple):
    """What an account has done by some moment: exchanges and output tokens of the window, and event time of the latest, µs."""

    exchanges: int
    output_tokens: int
    last_seen: int


def alert_id(kind: str, first: str, generation: int = 0) -> str:
    """Id of an alert: hash of its kind and first-detected member; later ones of the same member are numbered."""
    text = f"{kind}|{first}" + (f"|{generation}" if generation else "")
    return "alr_" + hashlib.blake2b(text.encode(), digest_size=_ID_BYTES).hexdigest()


def _rank(case: Case) -> tuple[bool, int, float]:
    return case.kind == "cluster", case.level, case.risk


def victim_case(entry: "Entry", account: str) -> Case:
    """What a cluster's alert says of one member, whose key or end user it is.

    Args:
        entry: the alert of the cluster.
        account: the member.
    """
    days = max((entry.last_seen - entry.first_seen) / _DAY_US, 1.0)
    member = msgspec.structs.replace(entry.members[account], role="core")
    return msgspec.structs.replace(
        entry.case,
        kind="account",
        members=(member,),
        evidence={name: entry.case.evidence[name] for name in _OF_ALL if name in entry.case.evidence}
        | {"cluster": entry.id},
        tiers={},
        requests_per_day=member.exchanges / min(days, 7.0),
        organisations=1,
    )


@dataclass
class Entry:
    """An alert in the making.

    Attributes:
        id: fixed at opening.
        opened: event time of opening, µs.
        case: the strongest case so far; a cluster's comes before an account's, for it speaks for all members.
        level: highest severity so far.
        risk, p_value: of the strongest case of any kind.
        named: by account, event time of its first naming at any severity.
        actionable: by account, event time of its first naming at high or above.
        members: latest word on each account.
        leaked: by account, exchanges and output tokens at its first actionable naming.
        supersedes: ids merged into this one.
        merged_into: id that this one went into.
        first_seen, last_seen: of all cases, µs; 0 before the first.
        recommendation: the latest.
        held: by account, event time of the latest case that called it core.
        alike: accounts that a case called core for their likeness alone.
        culprits: by account, the keys or end users that it is the victim of.
        subject: the key or end user that the alert is of.
        unsure: accounts that are not bound, since it is not known yet which of their keys or end users it is.
        refs: by account, pointers into the provider's own log.
    """

    id: str
    opened: int
    case: Case
    level: int
    named: dict[str, int] = field(default_factory=dict)
    actionable: dict[str, int] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    leaked: dict[str, tuple[int, int]] = field(default_factory=dict)
    supersedes: list[str] = field(default_factory=list)
    merged_into: str | None = None
    risk: float = 0.0
    p_value: float = 1.0
    first_seen: int = 0
    last_seen: int = 0
    recommendation: Recommendation | None = None
    held: dict[str, int] = field(default_factory=dict)
    alike: set[str] = field(default_factory=set)
    culprits: dict[str, list[Named]] = field(default_factory=dict)
    subject: Named | None = None
    unsure: set[str] = field(default_factory=set)
    refs: dict[str, list[str]] = field(default_factory=dict)

    @property
    def bound(self) -> list[Member]:
        """Members that a recommendation may bind: not those of which a key or end user is bound instead."""
        victims = {a for a, found in self.culprits.items() if found[0].instead and self.subject is None}
        return [self._standing(m) for m in self.members.values() if m.account_id not in victims]

    def _standing(self, member: Member) -> Member:
        """A member in doubt is shown and not bound."""
        return msgspec.structs.replace(member, role="peripheral") if member.account_id in self.unsure else member

    def take(self, now: int, case: Case) -> bool:
        """Take in a tick's case; whether anything that a reader would act on changed."""
        before = (self.level, len(self.named), self.core())
        self._weigh(case)
        if _rank(case) >= _rank(self.case):
            self.case = case
        for member in case.members:
            self._know(member if case.kind == "account" else self._confirmed(member))
            self._name(now, member)
            if self.members[member.account_id].role == "core":
                self.held[member.account_id] = now
        self._rise(now)
        self._settle(now)
        return before != (self.level, len(self.named), self.core())

    def _confirmed(self, member: Member) -> Member:
        """Who shares no key with the rest is named at once, and core from the second look on: likeness can be chance."""
        account, before = member.account_id, self.members.get(member.account_id)
        known = account in self.alike or (before is not None and before.role == "core")
        if member.role != "core" or known or set(member.reasons) - _POPULAR:
            return member
        self.alike.add(account)
        return msgspec.structs.replace(member, role="peripheral")

    def core(self) -> frozenset[str]:
        """Accounts that a recommendation binds."""
        return frozenset(a for a, member in self.members.items() if member.role == "core" and a not in self.unsure)

    def _settle(self, now: int) -> None:
        """Looks differ: a member is core for some while after the latest that called it so, and no gateway is told back and forth.

        Who is refused goes on being looked at, for refused requests are requests: nobody is released by being bound.
        """
        for account, when in self.held.items():
            role: Role = "core" if now - when <= _RELEASED_US else "peripheral"
            if self.members[account].role != role:
                self.members[account] = msgspec.structs.replace(self.members[account], role=role)

    def hear(self, now: int, case: Case) -> bool:
        """Take in an account's own case where the alert is of its cluster; whether the alert rose.

        It raises the alert, as it would had it come first, but does not take the cluster's place.
        """
        before = self.level
        self._weigh(case)
        for member in case.members:
            known = self.members[member.account_id]
            self._know(msgspec.structs.replace(known, exchanges=member.exchanges, output_tokens=member.output_tokens))
        self._rise(now)
        return before != self.level

    def _weigh(self, case: Case) -> None:
        self.level = max(self.level, case.level)
        self.risk, self.p_value = max(self.risk, case.risk), min(self.p_value, case.p_value)
        self._span(case.first_seen, case.last_seen)

    def _span(self, first_seen: int, last_seen: int) -> None:
        self.first_seen = min(self.first_seen or first_seen, first_seen)
        self.last_seen = max(self.last_seen, last_seen)

    def _know(self, member: Member) -> None:
        """The latest word on an account; what it had done does not shrink when the window forgets."""
        before = self.members.get(member.account_id)
        if before is not None and (before.exchanges, before.output_tokens) != (member.exchanges, member.output_tokens):
            member = msgspec.structs.replace(
                member,
                exchanges=max(member.exchanges, before.exchanges),
                output_tokens=max(member.output_tokens, before.output_tokens),
            )
        self.members[member.account_id] = member

    def update(self, latest: Mapping[str, Latest], shown: Mapping[str, Any], *, joiners: bool) -> bool:
        """Take in what the members have done by now, and evidence of it; whether anything of it is new."""
        before = self.last_seen, list(self.members.values()), self.case
        for account, member in list(self.members.items()):
            of = latest.get(account)
            if of is None or (not joiners and self.joining(account)):
                continue
            self._know(msgspec.structs.replace(member, exchanges=of.exchanges, output_tokens=of.output_tokens))
            self.last_seen = max(self.last_seen, of.last_seen)
        evidence = {**self.case.evidence, **shown}
        if evidence != self.case.evidence:
            self.case = msgspec.structs.replace(self.case, evidence=evidence)
        return before != (self.last_seen, list(self.members.values()), self.case)

    def _rise(self, now: int) -> None:
        if self.level >= ACTIONABLE:
            # Those named below high before count from the moment at which the alert became actionable.
            for account in self.named.keys() - self.actionable.keys():
                self._act(now, self.members[account])

    def _name(self, now: int, member: Member) -> None:
        self.named.setdefault(member.account_id, now)

    def _act(self, now: int, member: Member) -> None:
        self.actionable[member.account_id] = now
        self.leaked[member.account_id] = (member.exchanges, member.output_tokens)

    def join(self, now: int, member: Member) -> bool:
        """Name an account between ticks, or count that it shows the cluster's text again; whether that changed anything."""
        account = member.account_id
        if account in self.named:
            return self._shown_again(account)
        self.members[account] = member
        self._name(now, member)
        if self.level >= ACTIONABLE:
            self._act(now, member)
        return True

    def joining(self, account: str) -> bool:
        """Whether an account is named for the cluster's own text alone, and showed it too seldom to be bound."""
        known = self.members.get(account)
        return known is not None and known.role != "core" and known.reasons == INDICATED

    def _shown_again(self, account: str) -> bool:
        if not self.joining(account):
            return False
        known = self.members[account]
        times = known.exchanges + 1
        role: Role = "core" if times >= _SHOWN else "peripheral"
        self.members[account] = msgspec.structs.replace(known, exchanges=times, role=role)
        return role == "core"

    def absorb(self, other: "Entry") -> None:
        """Merge another alert, which is younger, into this one."""
        self.level = max(self.level, other.level)
        self.risk, self.p_value = max(self.risk, other.risk), min(self.p_value, other.p_value)
        self._span(other.first_seen, other.last_seen)
        if _rank(other.case) > _rank(self.case):
            self.case = other.case
        for account, when in other.named.items():
            self.named[account] = min(when, self.named.get(account, when))
        self.inherit(other, other.actionable)
        self.culprits = other.culprits | self.culprits
        self.refs = other.refs | self.refs
        self.unsure |= other.unsure - self.members.keys()  # what this one knows, it knows
        for account, member in other.members.items():
            self.members.setdefault(account, member)
        for account, when in other.held.items():
            self.held[account] = max(when, self.held.get(account, when))
        self.alike |= other.alike
        self.supersedes += [other.id, *other.supersedes]
        other.merged_into = self.id

    def inherit(self, other: "Entry", accounts: Iterable[str]) -> None:
        """Of some accounts, take over when another alert named them as actionable, and what they had got by then, if it was first."""
        for account in accounts:
            when = other.actionable.get(account)
            if when is not None and when < self.actionable.get(account, when + 1):
                self.named[account] = min(when, self.named.get(account, when))
                self.actionable[account], self.leaked[account] = when, other.leaked[account]

    def _culprits(self) -> dict[str, object]:
        blamed = {a: [msgspec.structs.asdict(n) for n in found] for a, found in sorted(self.culprits.items())}
        refs = {account: list(found) for account, found in sorted(self.refs.items())}
        return ({"culprits": blamed} if blamed else {}) | ({"log_refs": refs} if refs else {})

    def alert(self) -> Alert:
        """The alert as it is written."""
        detected = self.actionable if self.level >= ACTIONABLE else self.named
        members = sorted(
            map(self._standing, self.members.values()), key=lambda m: (m.role != "core", -m.p_member, m.account_id)
        )
        # Of whom nobody is told to do anything about, all that was answered so far is gone.
        leaked = [self.leaked.get(m.account_id, (m.exchanges, m.output_tokens)) for m in members]
        alert = Alert(
            id=self.id,
            kind="cluster" if len(self.named) > 1 else self.case.kind,
            accounts=sorted(self.named),
            account_detected_at={a: rfc3339(t) for a, t in sorted(detected.items())},
            severity=SEVERITIES[self.level],
            risk=self.risk,
            p_value=self.p_value,
            status="open",
            first_seen=rfc3339(self.first_seen),
            detected_at=rfc3339(min(detected.values(), default=self.opened)),
            last_seen=rfc3339(self.last_seen),
            exchanges=sum(m.exchanges for m in self.members.values()),
            exchanges_before_detection=sum(e for e, _ in leaked),
            output_tokens_leaked=sum(t for _, t in leaked),
            techniques=list(self.case.techniques),
            reasons=list(self.case.reasons),
            evidence=told(self.case.evidence) | self._culprits(),
            members=members,
            recommendation=self.recommendation,
            supersedes=list(self.supersedes),
            merged_into=self.merged_into,
        )
        plain = msgspec.structs.asdict
        alert.headline = headline_of(plain(alert) | {"reasons": [plain(reason) for reason in alert.reasons]})
        return alert
