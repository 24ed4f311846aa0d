"""What crude methods reach on the same log: a detector's figure counts only where these fail."""

import msgspec
import polars as pl

from detector.evaluation.log import RequestLog
from detector.evaluation.population import Population, tally
from detector.evaluation.shared_keys import flag_groups, shared_pairs
from detector.evaluation.tree import account_means, fit_trees
from detector.evaluation.volume import daily_peaks, flag_heaviest

TREE = "depth-3 tree, kind left out"


class Baseline(msgspec.Struct, frozen=True):
    """One crude method's figures, defined as the detector's own.

    Attributes:
        account_precision: hostile share of flagged accounts.
        account_recall: flagged share of hostile accounts.
        campaigns_found: campaigns with at least half of their accounts flagged.
        benign_flagged_share: flagged share of benign accounts.
        recall: recall by campaign.
        auc: by kind of campaign, for a method that ranks; empty otherwise.
        fields: by kind of campaign, the raw fields that a tree splits on; empty otherwise.
    """

    account_precision: float
    account_recall: float
    campaigns_found: int
    benign_flagged_share: float
    recall: dict[str, float]
    auc: dict[str, float] = {}
    fields: dict[str, list[str]] = {}


def run_baselines(log: RequestLog, payments: pl.DataFrame | None, population: Population) -> dict[str, Baseline]:
    """Every baseline on one log.

    Args:
        log: the raw requests.
        payments: `account_id` and `payment_fingerprint`; None where there is no accounts file.
        population: who is hostile, by campaign, and who is benign.

    Returns:
        Figures by name, the tree first; the tree is missing where there is only one kind of campaign.
    """
    tree = tree_baseline(log, population)
    results = {} if tree is None else {TREE: tree}
    groups = flag_groups(shared_pairs(log, payments))
    flagged = flag_heaviest(daily_peaks(log)) | {name: frozenset(accounts) for name, accounts in groups.items()}
    for name, accounts in flagged.items():
        score = tally(population, accounts)
        results[name] = Baseline(
            account_precision=score.account_precision,
            account_recall=score.account_recall,
            campaigns_found=score.campaigns_found,
            benign_flagged_share=score.benign_flagged_share,
            recall=score.recall,
        )
    return results


def tree_baseline(log: RequestLog, population: Population) -> Baseline | None:
    """The depth-3 tree, each kind of campaign left out; None where there is only one kind."""
    tree = fit_trees(account_means(log), population)
    if tree is None:
        return None
    return Baseline(
        account_precision=tree.account_precision,
        account_recall=tree.account_recall,
        campaigns_found=tree.campaigns_found,
        benign_flagged_share=tree.benign_flagged_share,
        recall=tree.recall,
        auc=tree.auc,
        fields=tree.splits,
    )
