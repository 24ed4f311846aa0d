"""Who counts: active accounts, hostile by campaign and benign, and how a set of flagged accounts fares on them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from detector.evaluation.inputs import Traffic, Truth

FOUND_SHARE = 0.5
"""A campaign is found when at least this share of its accounts is flagged (DESIGN §4)."""


@dataclass(frozen=True)
class Population:
    """The active accounts of a world.

    Attributes:
        campaigns: active accounts of each campaign that has any, by name.
        benign: active accounts of no campaign.
        archetype: what each account is.
        activity: how activity is known, in words.
    """

    campaigns: Mapping[str, frozenset[str]]
    benign: frozenset[str]
    archetype: Mapping[str, str]
    activity: str

    @property
    def hostile(self) -> frozenset[str]:
        """Active accounts of any campaign."""
        return frozenset().union(*self.campaigns.values())

    @property
    def active(self) -> frozenset[str]:
        """Everybody who counts."""
        return self.hostile | self.benign


@dataclass(frozen=True)
class Tally:
    """How a set of flagged accounts fares.

    Attributes:
        hostile_flagged: hostile accounts that are flagged.
        benign_flagged: benign accounts that are flagged.
        account_precision: hostile share of the flagged; 0 where nobody is flagged.
        account_recall: flagged share of the hostile; 0 where nobody is hostile.
        benign_flagged_share: flagged share of the benign.
        recall: recall by campaign.
        campaigns_found: campaigns with at least half of their accounts flagged.
    """

    hostile_flagged: int
    benign_flagged: int
    account_precision: float
    account_recall: float
    benign_flagged_share: float
    recall: dict[str, float]
    campaigns_found: int


def populate(truth: Truth, traffic: Traffic | None, named: Iterable[str]) -> Population:
    """Splits the active accounts into campaigns and benign.

    Args:
        truth: the world's truth.
        traffic: who was active; None if nobody knows, then every account that truth or an alert names counts,
            but members of campaigns that never attacked.
        named: accounts that an alert names; they had traffic, whatever a windowed count says by now.

    Returns:
        The population.
    """
    attacking = {account for account, times in truth.attack_times.items() if times}
    if traffic is None:
        members = {account for accounts in truth.campaigns.values() for account in accounts}
        # Who belongs to a campaign and never attacked had no traffic, unless the truth tells of no attack at all.
        silent = members - attacking if attacking else set()
        active = (frozenset(truth.archetype) | members) - silent | frozenset(named)
        activity = "unknown: every account of the truth but members of campaigns that never attacked counts as active"
    else:
        active = traffic.accounts | attacking | frozenset(named)
        activity = f"from {traffic.source}"
    campaigns = {name: frozenset(accounts) & active for name, accounts in truth.campaigns.items()}
    campaigns = {name: accounts for name, accounts in sorted(campaigns.items()) if accounts}
    hostile: frozenset[str] = frozenset().union(*campaigns.values())
    return Population(campaigns, active - hostile, truth.archetype, activity)


def tally(population: Population, flagged: Collection[str]) -> Tally:
    """Counts a set of flagged accounts against the population."""
    flags = frozenset(flagged)
    hostile, hits, false = population.hostile, len(population.hostile & flags), len(population.benign & flags)
    recall = {name: len(accounts & flags) / len(accounts) for name, accounts in population.campaigns.items()}
    return Tally(
        hostile_flagged=hits,
        benign_flagged=false,
        account_precision=share(hits, hits + false),
        account_recall=share(hits, len(hostile)),
        benign_flagged_share=share(false, len(population.benign)),
        recall=recall,
        campaigns_found=sum(value >= FOUND_SHARE for value in recall.values()),
    )


def share(part: float, whole: float) -> float:
    """A share that is 0 where there is nothing to share."""
    return part / whole if whole else 0.0
