"""Reasons of a score: what fired, with its value beside the benign 99th percentile, its nats, and the score without it."""

from math import isnan

import polars as pl

from detector.alerts.allowance import Rescored
from detector.alerts.model import Reason
from detector.scoring.combined import ANOMALY, combined
from detector.scoring.scorer import Scored, Scorer
from detector.scoring.severity import risk
from detector.service.anomalous import Strange, reason, unit_of

_DIGITS = 4


def reasons_of(scorer: Scorer, scored: Scored, category: str, row: int, found: Strange | None = None) -> list[Reason]:
    """Reasons of one entity, strongest first; their weights add up to its score.

    Args:
        scorer: rules and reference.
        scored: scores of a frame.
        category: its category.
        row: which entity.
        found: what is strange about it.
    """
    rules = scorer.rules[category]
    contributions = scored.contributions[row]
    p_without = combined(scorer.without(category, contributions > 0), scored.strange[row])
    stratum = str(scored.frame["stratum"][row])
    out: list[Reason] = []
    values = dict(zip(rules.fields, scored.values[row].tolist(), strict=True))
    for j, code in enumerate(rules.codes):  # over rules
        if contributions[j] <= 0:
            continue
        rule, asked = rules.rule(code), rules.asked(code, stratum)
        value = values[rule.feature]
        out.append(
            Reason(
                code=code,
                text=rule.text,
                value=None if isnan(value) else round(value, _DIGITS),
                benign_p99=scorer.reference.quantile(category, stratum, rule.feature, "p99"),
                weight=round(float(contributions[j]), _DIGITS),
                score_without=risk(float(p_without[j])),
                unusual="low" if rule.low else "high",
                asked=None if asked is None else round(float(asked), _DIGITS),
                feature=rule.feature,
                unit=unit_of(category, rule.feature),
            )
        )
    if found and found.parts:
        out.append(reason(scorer, scored, row, found))
    return sorted(out, key=lambda r: (-r.weight, r.code))


def techniques_of(scorer: Scorer, category: str, reasons: list[Reason]) -> list[str]:
    """ATLAS techniques of the rules behind the reasons, sorted."""
    rules = scorer.rules[category]
    fired = [rules.rule(r.code) for r in reasons if r.code != ANOMALY]
    return sorted({technique for rule in fired for technique in rule.techniques})


def rescore(scorer: Scorer, category: str, codes: list[str]) -> Rescored:
    """What an entity scores for which only these rules had fired.

    Args:
        scorer: rules and reference.
        category: its category.
        codes: of the rules.
    """
    rules = scorer.rules[category]
    fired = pl.DataFrame({code: [code in codes] for code in rules.codes})
    weights = rules.contributions(fired)
    p_value = float(scorer.p_value(category, weights.sum(axis=1))[0])
    without = scorer.without(category, weights[0] > 0)
    return Rescored(
        score=float(weights.sum()),
        p_value=p_value,
        risk=risk(p_value),
        weights={code: round(float(w), _DIGITS) for code, w in zip(rules.codes, weights[0], strict=True) if w > 0},
        without={code: risk(float(p)) for code, p in zip(rules.codes, without, strict=True)},
    )
