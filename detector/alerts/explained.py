"""The explanation in an alert's evidence: which reason, and through it which feature and link, gave how many nats, and what if not.

JSON-able: `score` in nats and `risk`; `by_reason`, reason → feature → nats; `features`, the same added up, whose sum is the score; of
clusters `links`, the part of it that rests on each kind of link; `without`, the risk without each reason and each link; `words`, the
removals that matter most, in sentences.
"""

from collections.abc import Mapping
from typing import Any, Final

from detector.alerts.model import Kind, Reason

Explanation = dict[str, Any]
Parts = Mapping[str, Mapping[str, float]]

ALL_LINKS: Final = "all"
DIGITS: Final = 4
_SENTENCES: Final = 3
# What members share, as the object of "without".
_SHARED: Final = {
    "template": "the shared prompt skeleton",
    "system_prompt": "the shared system prompt",
    "payment": "the shared payment",
    "network": "the shared networks",
    "tls": "the shared client fingerprint",
    "mail": "the shared mail domain and week of sign-up",
    "signup": "the shared sign-up network",
    "timing": "the shared pace",
    "reasoning": "the shared reasoning artefacts",
    ALL_LINKS: "anything that they share",
}


def explanation(score: float, risk: float, parts: Parts, reasons: list[Reason]) -> Explanation:
    """An explanation without words.

    Args:
        score: nats.
        risk: 0–100.
        parts: reason → feature → nats.
        reasons: of the same entity.
    """
    features: dict[str, float] = {}
    for nats in parts.values():
        for name, value in nats.items():
            features[name] = features.get(name, 0.0) + value
    return {
        "score": round(score, DIGITS),
        "risk": risk,
        "by_reason": {code: {name: round(v, DIGITS) for name, v in nats.items()} for code, nats in parts.items()},
        "features": {n: round(v, DIGITS) for n, v in sorted(features.items(), key=lambda item: (-item[1], item[0]))},
        "without": [{"kind": "reason", "name": r.code, "risk": r.score_without} for r in reasons],
    }


def put_in_words(told: Explanation, kind: Kind, reasons: list[Reason]) -> None:
    """Add `words`: of all removals those that lower the risk furthest, links before reasons where they are equal.

    Args:
        told: an explanation with all its removals; it is changed.
        kind: of the case.
        reasons: whose sentences stand for them.
    """
    texts = {r.code: f"“{r.text.rstrip('.')}”" for r in reasons}
    lower = [w for w in told["without"] if round(w["risk"]) < round(told["risk"])]
    lower.sort(key=lambda w: (w["risk"], w["kind"], w["name"] == ALL_LINKS, w["name"]))
    told["words"] = [
        f"Without {(_SHARED if each['kind'] == 'link' else texts).get(each['name'], each['name'])} "
        f"the {kind} would score {each['risk']:.0f} instead of {told['risk']:.0f}."
        for each in lower[:_SENTENCES]
    ]


def reweighed(told: Explanation, score: float, risk: float, reasons: list[Reason]) -> Explanation:
    """The explanation of an account of which only some reasons are left, with other weights: signs of one kind saturate.

    Args:
        told: before.
        score: nats, of what is left.
        risk: 0–100, of what is left.
        reasons: what is left.
    """
    parts = {}
    for r in reasons:
        before = told["by_reason"].get(r.code, {})
        whole = sum(before.values())
        parts[r.code] = {name: nats * r.weight / whole for name, nats in before.items()} if whole else {}
    out = explanation(score, risk, parts, reasons)
    put_in_words(out, "account", reasons)
    return out
