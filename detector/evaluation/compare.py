"""Two runs on one world: which accounts and campaigns changed, and whether the change is more than chance."""

from collections.abc import Collection, Mapping

import msgspec
from scipy.stats import binomtest

from detector.evaluation.evaluate import Result


class Change(msgspec.Struct, frozen=True):
    """A figure in this run and in the other."""

    this: float
    other: float


class Differing(msgspec.Struct, frozen=True):
    """Accounts that only one of the runs flagged: McNemar's test, exact.

    Attributes:
        only_this: accounts that only this run flagged, by name.
        only_other: accounts that only the other flagged.
        both: accounts that both flagged.
        neither: accounts that neither did.
        difference: flagged share of this run less that of the other.
        low: bound of its exact 95 % interval, given how many accounts differ (Clopper and Pearson, 1934).
        high: the other bound.
        p_value: exact, two-sided, of the runs flagging equally many (McNemar, 1947); 1 where none differs.
    """

    only_this: list[str]
    only_other: list[str]
    both: int
    neither: int
    difference: float
    low: float
    high: float
    p_value: float


class ChangedCampaign(msgspec.Struct, frozen=True):
    """A campaign whose flagged accounts or leak are not the same in both runs.

    Attributes:
        recall: in either run.
        leak: in either run.
        found: 1 where at least half of the accounts were flagged.
        only_this: accounts that only this run flagged.
        only_other: accounts that only the other flagged.
    """

    recall: Change
    leak: Change
    found: Change
    only_this: list[str]
    only_other: list[str]


class Comparison(msgspec.Struct, frozen=True):
    """This run against another.

    Attributes:
        figures: the world's figures.
        hostile: hostile accounts.
        benign: benign accounts.
        campaigns: those that changed, by name.
    """

    figures: dict[str, Change]
    hostile: Differing
    benign: Differing
    campaigns: dict[str, ChangedCampaign]


FIGURES = ("account_precision", "account_recall", "campaigns_found", "benign_flagged_share", "leak")


def compare(
    this: tuple[Result, Collection[str]],
    other: tuple[Result, Collection[str]],
    campaigns: Mapping[str, frozenset[str]],
    benign: frozenset[str],
) -> Comparison:
    """Compares two runs that were measured on the same population.

    Args:
        this: the evaluation of a run and the accounts that it flagged.
        other: the same of the other run.
        campaigns: active accounts of each campaign.
        benign: active accounts of no campaign.
    """
    (ours, flagged), (theirs, others) = (this[0], frozenset(this[1])), (other[0], frozenset(other[1]))
    hostile: frozenset[str] = frozenset().union(*campaigns.values())
    changed = {}
    for name, accounts in campaigns.items():
        a, b = ours.per_campaign[name], theirs.per_campaign[name]
        if accounts & (flagged ^ others) or a.leak != b.leak:
            changed[name] = ChangedCampaign(
                recall=Change(a.recall, b.recall),
                leak=Change(a.leak, b.leak),
                found=Change(a.found, b.found),
                only_this=sorted(accounts & (flagged - others)),
                only_other=sorted(accounts & (others - flagged)),
            )
    return Comparison(
        figures={name: Change(getattr(ours, name), getattr(theirs, name)) for name in FIGURES},
        hostile=differing(hostile, flagged, others),
        benign=differing(benign, flagged, others),
        campaigns=changed,
    )


def differing(accounts: frozenset[str], this: frozenset[str], other: frozenset[str]) -> Differing:
    """Which of some accounts only one run flagged."""
    ours, theirs = accounts & (this - other), accounts & (other - this)
    n = len(ours) + len(theirs)
    low = high = 0.0
    p_value = 1.0
    if n:
        test = binomtest(len(ours), n)
        bounds = test.proportion_ci(confidence_level=0.95, method="exact")
        low, high = ((2.0 * float(bound) - 1.0) * n / len(accounts) for bound in bounds)
        p_value = float(test.pvalue)
    return Differing(
        only_this=sorted(ours),
        only_other=sorted(theirs),
        both=len(accounts & this & other),
        neither=len(accounts - this - other),
        difference=(len(ours) - len(theirs)) / len(accounts) if accounts else 0.0,
        low=low,
        high=high,
        p_value=p_value,
    )
