"""Explains cases: what each feature and link gave to a score, and what the score would be without."""

import numpy as np
import polars as pl

from detector.alerts.explained import ALL_LINKS, DIGITS, Explanation, Parts, explanation, put_in_words
from detector.alerts.model import Reason
from detector.coordination.features import ClusterView
from detector.coordination.features.links import RESTS_ON, without
from detector.coordination.keys import KINDS
from detector.profiles.layout import F64, I64
from detector.scoring.explanation import by_feature
from detector.scoring.rules.evaluate import STRATUM
from detector.scoring.scorer import ACCOUNT, CLUSTER, Scored, Scorer
from detector.scoring.severity import risk
from detector.service.anomalous import strange


def explain_account(scorer: Scorer, scored: Scored, row: int, reasons: list[Reason]) -> Explanation:
    """The explanation of an account.

    Args:
        scorer: rules and reference.
        scored: scores of a frame.
        row: which entity.
        reasons: of the same entity.
    """
    found = strange(scorer, scored, row)
    out = _plain(scorer, scored, ACCOUNT, row, reasons, found.parts if found else {})
    put_in_words(out, "account", reasons)
    return out


def explain_clusters(
    scorer: Scorer, view: ClusterView, scored: Scored, rows: I64, reasons: list[list[Reason]]
) -> list[Explanation]:
    """The explanations of clusters.

    The nats of a feature that rests on several kinds of link are divided by how strong each is. Without a kind, the features of links
    are computed anew as if nothing of it were shared, everything else staying as it is, and all rules are asked again.

    Args:
        scorer: rules and reference.
        view: g clusters.
        scored: scores of these and others.
        rows: i64[g], their rows there.
        reasons: of each.
    """
    told = [_plain(scorer, scored, CLUSTER, row, each, {}) for row, each in zip(rows.tolist(), reasons, strict=True)]
    strong = np.stack([view.mean(view.strengths[:, kind]) for kind in range(len(KINDS))], axis=1)
    kinds = np.flatnonzero((strong > 0).any(axis=0)).tolist()
    score, p_value = _rescored(
        scorer,
        view,
        scored.frame.select(*_asked(scorer, scored.frame))[rows],
        [(kind,) for kind in kinds] + [tuple(range(len(KINDS)))],
    )
    for g, each in enumerate(told):  # over clusters
        each["links"] = _of_links(each["features"], strong[g])
        has = [*(strong[g, kinds] > 0), (strong[g] > 0).sum() > 1]
        for i in np.flatnonzero(has).tolist():
            name = KINDS[kinds[i]] if i < len(kinds) else ALL_LINKS
            what = {"kind": "link", "name": name, "risk": risk(float(p_value[i, g]))}
            each["without"].append(what | {"score": round(float(score[i, g]), DIGITS)})
        put_in_words(each, "cluster", reasons[g])
    return told


def _asked(scorer: Scorer, frame: pl.DataFrame) -> list[str]:
    """Columns that rules of clusters read, of those that there are."""
    present = frozenset(frame.columns)
    return [name for name in (STRATUM, *scorer.rules[CLUSTER].fields) if name in present]


def _plain(
    scorer: Scorer,
    scored: Scored,
    category: str,
    row: int,
    reasons: list[Reason],
    more: Parts,
) -> Explanation:
    parts = {**by_feature(scorer.rules[category], scored, row), **more}
    score = float(scored.score[row]) + sum(nats for of in more.values() for nats in of.values())
    return explanation(score, risk(float(scored.p_value[row])), parts, reasons)


def _rescored(
    scorer: Scorer, view: ClusterView, frame: pl.DataFrame, removed: list[tuple[int, ...]]
) -> tuple[F64, F64]:
    """Scores and p-values of clusters without kinds of links; f64[removed, clusters] each."""
    rules = scorer.rules[CLUSTER]
    # Compared with their like of before: a group does not become other people for want of a link.
    frames = [frame.with_columns(**_series(without(view, kinds), frozenset(frame.columns))) for kinds in removed]
    score = rules.contributions(rules.fired(pl.concat(frames))).sum(axis=1)
    shape = (len(removed), frame.height)
    return score.reshape(shape), scorer.p_value(CLUSTER, score).reshape(shape)


def _series(columns: dict[str, F64], asked: frozenset[str]) -> dict[str, pl.Series]:
    return {name: pl.Series(values) for name, values in columns.items() if name in asked}


def _of_links(features: dict[str, float], strong: F64) -> dict[str, float]:
    """Nats of the score that rest on each kind of link."""
    out = np.zeros(len(KINDS))
    for name, nats in features.items():
        kinds = list(RESTS_ON.get(name, ()))
        if strong[kinds].sum() > 0:
            out[kinds] += nats * strong[kinds] / strong[kinds].sum()
    return {KINDS[kind]: round(float(out[kind]), DIGITS) for kind in np.argsort(-out, kind="stable") if out[kind] > 0}
