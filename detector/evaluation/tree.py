"""Baseline: a depth-3 decision tree on per-account means of raw fields, with that kind of campaign left out.

It finds a campaign only if something in the raw fields gives *other kinds* of campaign away too. A simulated world in
which it succeeds has a give-away, and a detector's figure on such a world says little.
"""

import re
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from detector.evaluation.log import FLAGS, NUMBERS, TEXTS, WORDS, RequestLog
from detector.evaluation.population import FOUND_SHARE, Population, share

DEPTH = 3
TOP_WORDS = 20
SEED = 0

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class TreeResult:
    """What the tree reaches.

    Attributes:
        recall: per campaign, share of its accounts that a tree which never saw its kind flags.
        auc: per kind of campaign, how well the tree ranks it above unseen benign accounts; 0.5 is a coin.
        benign_flagged_share: share of unseen benign accounts flagged, mean over the trees.
        account_precision: at the world's own base rate.
        account_recall: over all hostile accounts.
        campaigns_found: campaigns with recall of at least one half.
        splits: per kind, the fields that its tree splits on.
    """

    recall: dict[str, float]
    auc: dict[str, float]
    benign_flagged_share: float
    account_precision: float
    account_recall: float
    campaigns_found: int
    splits: dict[str, list[str]]


def kind_of(campaign: str) -> str:
    """The kind of a campaign: its name without a trailing number."""
    return re.sub(r"[_\-.\s#]*\d+$", "", campaign) or campaign


def account_means(log: RequestLog) -> pl.DataFrame:
    """One row an account: means of numbers and flags, text lengths, shares of frequent words, shares of present fields.

    Returns:
        `account_id` and Float64 columns named by field; sorted by account.
    """
    columns = (*NUMBERS, *FLAGS, *WORDS, *TEXTS)
    frame = log.frame("account_id", *columns)
    counts = frame.select(pl.col(WORDS).drop_nulls().value_counts(sort=True).head(TOP_WORDS).implode()).collect()
    words = [(name, row[name]) for name in WORDS for row in counts[name].item().to_list()]
    means = frame.group_by("account_id").agg(
        pl.col(NUMBERS).mean(),
        pl.col(FLAGS).mean(),
        *(pl.col(name).str.len_chars().mean().alias(f"{name}:chars") for name in TEXTS),
        *(pl.col(name).is_not_null().mean().alias(f"{name}:given") for name in columns),
        *((pl.col(name) == word).fill_null(value=False).mean().alias(f"{name}={word}") for name, word in words),
    )
    return means.sort("account_id").collect(engine="streaming")


def fit_trees(means: pl.DataFrame, population: Population) -> TreeResult | None:
    """Fits one tree a kind of campaign, on the other kinds and half of the benign accounts.

    Args:
        means: as from `account_means`.
        population: who is hostile, by campaign, and who is benign.

    Returns:
        What the trees reach on what they did not see; None with fewer than two kinds or two benign accounts.
    """
    accounts = means["account_id"].to_numpy()
    matrix = means.drop("account_id").fill_null(-1.0).to_numpy()
    fields = means.columns[1:]
    benign = np.flatnonzero(np.isin(accounts, sorted(population.benign)))
    shuffled = np.random.default_rng(SEED).permutation(benign)
    seen, unseen = shuffled[::2], shuffled[1::2]
    rows = {name: np.flatnonzero(np.isin(accounts, sorted(who))) for name, who in population.campaigns.items()}
    kinds = sorted({kind_of(name) for name in rows})
    if len(kinds) < 2 or not unseen.size:  # noqa: PLR2004 - leaving one out needs another one
        return None
    recall: dict[str, float] = {}
    auc: dict[str, float] = {}
    splits: dict[str, list[str]] = {}
    false = []
    for kind in kinds:
        others = np.concatenate([index for name, index in rows.items() if kind_of(name) != kind])
        own = {name: index for name, index in rows.items() if kind_of(name) == kind}
        tree = _fit(matrix, others, seen)
        splits[kind] = sorted({fields[node] for node in tree.tree_.feature if node >= 0})
        risk = tree.predict_proba(matrix)[:, 1]
        false.append(float((risk[unseen] > FOUND_SHARE).mean()))
        hostile = np.concatenate(list(own.values()))
        if hostile.size:
            labels = np.r_[np.ones(hostile.size), np.zeros(unseen.size)]
            auc[kind] = float(roc_auc_score(labels, risk[np.r_[hostile, unseen]]))
        recall |= {
            name: float((risk[index] > FOUND_SHARE).mean()) if index.size else 0.0 for name, index in own.items()
        }
    hits = sum(recall[name] * len(who) for name, who in population.campaigns.items())
    benign_share = float(np.mean(false))
    return TreeResult(
        recall=recall,
        auc=auc,
        benign_flagged_share=benign_share,
        account_precision=share(hits, hits + benign_share * len(population.benign)),
        account_recall=share(hits, sum(map(len, population.campaigns.values()))),
        campaigns_found=sum(value >= FOUND_SHARE for value in recall.values()),
        splits=splits,
    )


def _fit(matrix: Matrix, hostile: NDArray[np.int64], benign: NDArray[np.int64]) -> DecisionTreeClassifier:
    rows = np.concatenate([hostile, benign])
    labels = np.r_[np.ones(hostile.size), np.zeros(benign.size)]
    # Halving the benign doubles their share of hostile; weights give the tree the world's own base rate back.
    weights = np.r_[np.ones(hostile.size), np.full(benign.size, 2.0)]
    return DecisionTreeClassifier(max_depth=DEPTH, random_state=SEED).fit(matrix[rows], labels, sample_weight=weights)
