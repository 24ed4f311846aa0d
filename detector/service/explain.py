"""Explains cases: what each feature and link gave to a score, and what the score would be without.

An alert that lasts has a case at every other look, and only the latest is shown: its explanation is made when it is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from detector.alerts.explained import ALL_LINKS, DIGITS, Explanation, Parts, explanation, put_in_words
from detector.alerts.later import Later
from detector.alerts.model import Kind, Reason
from detector.coordination.features.base import Ties
from detector.coordination.features.links import RESTS_ON, without
from detector.coordination.keys import KINDS
from detector.profiles.layout import F64
from detector.scoring.explanation import by_feature
from detector.scoring.rules.evaluate import STRATUM
from detector.scoring.scorer import ACCOUNT, CLUSTER, Row, Scored, Scorer
from detector.scoring.severity import risk
from detector.service.anomalous import Strange, added


@dataclass(frozen=True)
class _Asked:
    """What an explanation is made of.

    Attributes:
        scorer: rules and reference.
        row: of the entity.
        score: nats.
        risk: 0–100.
        reasons: of the entity.
        strange: nats that the anomaly model adds, by reason and feature.
        ties: f64[members, kinds] of a cluster.
    """

    scorer: Scorer
    row: Row
    score: float
    risk: float
    reasons: list[Reason]
    strange: Parts
    ties: F64 | None = None


class Explained(Later):
    """The explanation of a case; arguments as of `explain`."""

    def __init__(self, asked: _Asked) -> None:
        self.asked: _Asked | None = asked

    @classmethod
    def make(cls, several: Sequence[Later]) -> None:
        """Explain some cases."""
        some = [(each, each.asked) for each in several if isinstance(each, Explained) and each.asked is not None]
        for each, asked in some:
            each.made, each.asked = _plain(asked), None
        clusters = [(each.made or {}, asked, asked.ties) for each, asked in some if asked.ties is not None]
        for scorer in {id(asked.scorer): asked.scorer for _, asked, _ in clusters}.values():
            _add_links(scorer, [(told, asked, ties) for told, asked, ties in clusters if asked.scorer is scorer])
        for each, asked in some:
            kind: Kind = "account" if asked.ties is None else "cluster"
            put_in_words(each.made or {}, kind, asked.reasons)


def explain(
    scorer: Scorer,
    scored: Scored,
    row: int,
    reasons: list[Reason],
    found: Strange | None = None,
    ties: F64 | None = None,
) -> Explained:
    """The explanation of a case.

    Args:
        scorer: rules and reference.
        scored: scores of a frame.
        row: which entity.
        reasons: of the same entity.
        found: what is strange about an account.
        ties: f64[members, kinds], `ClusterView.strengths` of a cluster; None for an account.
    """
    score, known = float(scored.score[row]) + added(found), risk(float(scored.p_value[row]))
    parts = found.parts if found else {}
    return Explained(
        _Asked(scorer, scored.row(row), score, known, reasons, parts, None if ties is None else ties.copy())
    )


def _plain(asked: _Asked) -> Explanation:
    category = ACCOUNT if asked.ties is None else CLUSTER
    parts = {**by_feature(asked.scorer.rules[category], asked.row), **asked.strange}
    return explanation(asked.score, asked.risk, parts, asked.reasons)


def _add_links(scorer: Scorer, clusters: Sequence[tuple[Explanation, _Asked, F64]]) -> None:
    """Add what rests on links, and what the score would be without them.

    The nats of a feature that rests on several kinds of link are divided by how strong each is. Without a kind, the features of links
    are computed anew as if nothing of it were shared, everything else staying as it is, and all rules are asked again.

    Args:
        scorer: rules and reference.
        clusters: an explanation without, what it is made of, and the ties of the members.
    """
    offsets = np.concatenate([[0], np.cumsum([ties.shape[0] for _, _, ties in clusters])]).astype(np.int64)
    ties = Ties(np.concatenate([ties for _, _, ties in clusters]), offsets)
    strong = np.stack([ties.mean(ties.strengths[:, kind]) for kind in range(len(KINDS))], axis=1)
    kinds = np.flatnonzero((strong > 0).any(axis=0)).tolist()
    removed = [(kind,) for kind in kinds] + [tuple(range(len(KINDS)))]
    score, p_value = _rescored(scorer, ties, [asked.row for _, asked, _ in clusters], removed)
    for g, (told, _, _) in enumerate(clusters):
        told["links"] = _of_links(told["features"], strong[g])
        has = [*(strong[g, kinds] > 0), (strong[g] > 0).sum() > 1]
        for i in np.flatnonzero(has).tolist():
            name = KINDS[kinds[i]] if i < len(kinds) else ALL_LINKS
            what = {"kind": "link", "name": name, "risk": risk(float(p_value[i, g]))}
            told["without"].append(what | {"score": round(float(score[i, g]), DIGITS)})


def _rescored(scorer: Scorer, ties: Ties, rows: list[Row], removed: list[tuple[int, ...]]) -> tuple[F64, F64]:
    """Scores and p-values of clusters without kinds of links; f64[removed, clusters] each."""
    rules = scorer.rules[CLUSTER]
    values = np.tile(np.stack([row.values for row in rows]), (len(removed), 1, 1))
    for i, kinds in enumerate(removed):
        for name, left in without(ties, kinds).items():
            if name in rules.fields:
                values[i, :, rules.fields.index(name)] = left
    frame = pl.DataFrame(values.reshape(-1, len(rules.fields)), schema=dict.fromkeys(rules.fields, pl.Float64))
    # Compared with their like of before: a group does not become other people for want of a link.
    strata = pl.Series(STRATUM, [row.stratum for row in rows] * len(removed), pl.String)
    score = rules.contributions(rules.fired(frame.with_columns(strata))).sum(axis=1)
    shape = (len(removed), len(rows))
    return score.reshape(shape), scorer.p_value(CLUSTER, score).reshape(shape)


def _of_links(features: dict[str, float], strong: F64) -> dict[str, float]:
    """Nats of the score that rest on each kind of link."""
    out = np.zeros(len(KINDS))
    for name, nats in features.items():
        kinds = list(RESTS_ON.get(name, ()))
        if strong[kinds].sum() > 0:
            out[kinds] += nats * strong[kinds] / strong[kinds].sum()
    return {KINDS[kind]: round(float(out[kind]), DIGITS) for kind in np.argsort(-out, kind="stable") if out[kind] > 0}
