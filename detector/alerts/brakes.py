"""What may be enforced without asking: caps on how much at once, tiers that a person must decide about, two people for the worst.

Detection can be wrong about many at once: a launch day makes crowds of strangers behave alike. Whatever the scores say, no more than
so many accounts an hour and so much of the traffic is touched; the step that would go past a cap pulls the brake, and from then on
everything is only observed, until a person lets go of it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from detector.alerts.model import Action, Recommendation
from detector.profiles.facts import UNKNOWN_TIER

Verdict = Literal["release", "wait", "pull"]
HOUR_US: Final = 3_600_000_000
# Nothing reaches a gateway by these.
HARMLESS: Final[frozenset[Action]] = frozenset({"observe", "review"})


@dataclass(frozen=True)
class Caps:
    """What may be enforced.

    Attributes:
        accounts_an_hour: newly bound, of all recommendations together.
        traffic_share: of all requests a day, by everything that is enforced at a time.
        protected_tiers: a recommendation that binds one of them, or where there are any, an unknown one, waits for approval.
        approvals: different people that must agree where approval is needed.
    """

    accounts_an_hour: int = 50
    traffic_share: float = 0.02
    protected_tiers: Collection[str] = ()
    approvals: int = 2


@dataclass(frozen=True)
class Standing:
    """What is enforced already.

    Attributes:
        accounts: bound within the last hour.
        requests_per_day: of everything that is enforced.
        traffic: requests a day of everybody.
        pulled: whether the brake is.
    """

    accounts: int
    requests_per_day: float
    traffic: float
    pulled: bool


def needs_approval(made: Recommendation, caps: Caps) -> str:
    """Why people must agree first; empty where they need not."""
    if made.action == "suspend" and made.subject.kind in {"cluster", "org"}:
        return "it suspends a cluster"
    mix = made.blast_radius.revenue_tier_mix
    hit = sorted(mix.keys() & set(caps.protected_tiers))
    if hit:
        return f"it binds accounts of the tier {hit[0]}"
    # Of these it is not known that they are not protected; a mix that was stored by an older version can lack some.
    doubtful = mix.get(UNKNOWN_TIER, 0) > 0 or sum(mix.values()) < len(made.subject.accounts)
    return "it binds accounts of an unknown tier" if caps.protected_tiers and doubtful else ""


def decide(
    made: Recommendation, fresh: int, requests_per_day: float, approved: int, caps: Caps, now: Standing
) -> tuple[Verdict, str]:
    """Whether a recommendation may be enforced, and why not.

    Args:
        made: the recommendation.
        fresh: accounts of it that no recommendation binds yet.
        requests_per_day: of these.
        approved: people who agreed to it.
        caps: what may be.
        now: what is.
    """
    if now.pulled:
        return "wait", "the brake is pulled"
    why = needs_approval(made, caps)
    if why and approved < caps.approvals:
        return "wait", f"{why}: {approved} of {caps.approvals} people agreed"
    if now.accounts + fresh > caps.accounts_an_hour:
        return "pull", f"{now.accounts + fresh} accounts within an hour, and {caps.accounts_an_hour} are allowed"
    share = (now.requests_per_day + requests_per_day) / max(now.traffic, 1.0)
    if share > caps.traffic_share:
        return "pull", f"{share:.1%} of the traffic, and {caps.traffic_share:.1%} are allowed"
    return "release", ""
