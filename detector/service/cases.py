"""Cases from scores: who is in it, why, and the evidence that an analyst reads."""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from detector.alerts.later import Later
from detector.alerts.model import SEVERITIES, Case, Member, Reason
from detector.coordination.clusters import Clusters
from detector.coordination.features import ClusterView, features_of
from detector.coordination.keys import KINDS
from detector.coordination.membership import CORE, MEMBER, membership
from detector.profiles.facts import UNKNOWN_TIER, AccountBook, Facts
from detector.profiles.layout import CAPABILITIES, COUNT, F64, HOUR_US, I32, I64, PANE_US, SLOT_US, Flags
from detector.profiles.pool import Pooled
from detector.profiles.store import ProfileStore
from detector.scoring.scorer import ACCOUNT, CLUSTER, Scored, Scorer
from detector.scoring.severity import NONE, risk
from detector.service.anomalous import added, evidence, strange
from detector.service.current import timeline
from detector.service.explain import Explained, explain
from detector.service.looks import Look
from detector.service.reasons import reasons_of, techniques_of
from detector.service.skeletons import MOST_SHOWN, Shared, SkeletonBank

_REQUESTS = COUNT["requests"]
_LEAST = 3  # members left after bystanders are set aside
_TENS_AN_HOUR = HOUR_US // SLOT_US


def _tiers(facts: Facts, rows: I64, book: AccountBook) -> dict[str, int]:
    names = [UNKNOWN_TIER, *book.tiers]
    out: Counter[str] = Counter()
    # A handful; the unknown tier can be there twice, for the file can say it too.
    for n, count in sorted(Counter(facts.tier[rows].tolist()).items()):
        out[names[n + 1]] += count
    return dict(out)


def _mix(pooled: Pooled, row: int) -> dict[str, float]:
    sums = pooled.capability[row, : len(CAPABILITIES)].astype(np.float64)
    shares = sums / max(float(sums.sum()), 1.0)
    return {name: round(float(s), 3) for name, s in zip(CAPABILITIES, shares, strict=True)}


def account_cases(
    store: ProfileStore,
    book: AccountBook,
    scorer: Scorer,
    scored: Scored,
    start: int,
    look: Look,
    level: I64,
) -> list[Case]:
    """Cases of single accounts.

    Args:
        store: profiles.
        book: account facts.
        scorer: rules and reference.
        scored: scores of the rows.
        start: first row of `scored` that is the look's.
        look: n accounts as they stood at a tick.
        level: i64[n], severity or `NONE`.
    """
    rows = np.flatnonzero(level != NONE)
    if rows.size == 0:
        return []
    return [_account_case(store, book, scorer, scored, start, look, int(level[i]), int(i)) for i in rows]


def _account_case(
    store: ProfileStore,
    book: AccountBook,
    scorer: Scorer,
    scored: Scored,
    start: int,
    look: Look,
    level: int,
    i: int,
) -> Case:
    pooled, now = look.pooled, look.moment.now
    found = strange(scorer, scored, start + i)
    reasons = reasons_of(scorer, scored, ACCOUNT, start + i, found)
    codes = tuple(r.code for r in reasons)
    requests, tokens = int(pooled.counts[i, _REQUESTS]), int(pooled.tokens[i, 1])
    days = max((now - int(pooled.first[i])) / (24 * HOUR_US), 1.0)
    p_value = float(scored.p_value[start + i])
    return Case(
        kind="account",
        members=(Member(store.ids[look.slots[i]], 1.0, "core", requests, tokens, codes),),
        severity=SEVERITIES[level],
        risk=risk(p_value),
        p_value=p_value,
        reasons=tuple(reasons),
        techniques=tuple(techniques_of(scorer, ACCOUNT, reasons)),
        evidence={
            "score": round(float(scored.score[start + i]) + added(found), 3),
            "explanation": explain(scorer, scored, start + i, reasons, found),
            "capabilities": _mix(pooled, i),
        }
        | ({"anomaly": evidence(scorer, scored, start + i, found)} if found else {}),
        first_seen=int(pooled.first[i]),
        last_seen=int(pooled.last[i]),
        tiers=_tiers(look.facts, np.array([i]), book),
        requests_per_day=requests / min(days, 7.0),
        organisations=1,
    )


def cluster_cases(
    store: ProfileStore,
    book: AccountBook,
    scorer: Scorer,
    found: tuple[Clusters, Scored],
    level: I64,
    bank: SkeletonBank,
) -> list[tuple[Case, I32]]:
    """Cases of clusters, each with the slots of its members.

    Args:
        store: profiles.
        book: account facts.
        scorer: rules and reference.
        found: clusters and their scores.
        level: i64[clusters], severity or `NONE`.
        bank: gives skeletons, and is asked for those that it lacks.
    """
    rows = np.flatnonzero(level != NONE)
    if rows.size == 0:
        return []
    clusters, scored = found
    view = clusters.view.only(rows)
    belongs = membership(view, clusters.texts[np.isin(clusters.view.cluster, rows)])
    ties = view.strengths
    out = []
    for place, g in enumerate(rows.tolist()):  # over alerted clusters
        whole = slice(view.offsets[place], view.offsets[place + 1])
        part = np.arange(whole.start, whole.stop)
        part = part[belongs[part] > MEMBER]
        if part.size >= _LEAST:
            reasons = reasons_of(scorer, scored, CLUSTER, g)
            told = explain(scorer, scored, g, reasons, ties=ties[whole])
            one = _Found(view, place, features_of(clusters.view), scored, g, reasons, told)
            out.append(
                (_cluster_case(store, book, scorer, one, int(level[g]), part, belongs, ties, bank), view.slots[part])
            )
    return out


class _Found(NamedTuple):
    """One cluster: its place among those that alert, its row among all that were looked at, and why."""

    view: ClusterView
    place: int
    features: Mapping[str, F64]
    scored: Scored
    row: int
    reasons: list[Reason]
    told: Explained


def _cluster_case(
    store: ProfileStore,
    book: AccountBook,
    scorer: Scorer,
    found: _Found,
    level: int,
    part: I64,
    belongs: F64,
    ties: F64,
    bank: SkeletonBank,
) -> Case:
    view, scored, reasons = found.view, found.scored, found.reasons
    members, texts = _members(store, view, part, belongs, ties), _texts(view, part)
    core = part[belongs[part] >= CORE]
    days = np.clip((view.now - view.each.first[core]) / (24 * HOUR_US), 1.0, 7.0)
    p_value = float(scored.p_value[found.row])
    return Case(
        kind="cluster",
        members=members,
        severity=SEVERITIES[level],
        risk=risk(p_value),
        p_value=p_value,
        reasons=tuple(reasons),
        techniques=tuple(techniques_of(scorer, CLUSTER, reasons)),
        evidence=_evidence(found, part, ties, bank.shown(texts)),
        first_seen=int(view.each.first[part].min()),
        last_seen=int(view.each.last[part].max()),
        tiers=_tiers(view.facts, core, book),
        requests_per_day=float((view.each.counts[core, _REQUESTS] / days).sum()),
        organisations=int(found.features["organisations"][found.row]),
        texts=tuple((text.kind, text.key, text.accounts) for text in texts),
    )


@njit(cache=True, nogil=True)
def _active(bits: Flags, part: I64) -> I64:
    """Members active in each hour; i64[hours]."""
    out = np.zeros(bits.shape[1] // _TENS_AN_HOUR, np.int64)
    for i in part:
        for hour in range(out.shape[0]):
            for ten in range(hour * _TENS_AN_HOUR, (hour + 1) * _TENS_AN_HOUR):
                if bits[i, ten]:
                    out[hour] += 1
                    break
    return out


def _members(store: ProfileStore, view: ClusterView, part: I64, belongs: F64, ties: F64) -> tuple[Member, ...]:
    kinds = ties[part] > 0
    columns = zip(
        view.slots[part].tolist(),
        np.round(belongs[part], 3).tolist(),
        (belongs[part] >= CORE).tolist(),
        view.each.counts[part, _REQUESTS].tolist(),
        view.each.tokens[part, 1].tolist(),
        (kinds @ (1 << np.arange(len(KINDS)))).tolist(),
        strict=True,
    )
    return tuple(
        Member(store.ids[slot], share, "core" if core else "peripheral", requests, tokens, _named(mask))
        for slot, share, core, requests, tokens, mask in columns
    )


@cache
def _named(mask: int) -> tuple[str, ...]:
    """Kinds of link of a bit mask."""
    return tuple(kind for k, kind in enumerate(KINDS) if mask >> k & 1)


def _evidence(found: _Found, part: I64, ties: F64, skeletons: list[dict[str, Any]] | Later) -> dict[str, Any]:
    view, features, g = found.view, found.features, found.row
    strong = ties[part].mean(axis=0)
    return {
        "score": round(float(found.scored.score[g]), 3),
        "explanation": found.told,
        "payers": int(features["payers"][g]),
        "organisations": int(features["organisations"][g]),
        "links": {kind: round(float(s), 3) for kind, s in zip(KINDS, strong, strict=True) if s > 0},
        "skeletons": skeletons,
        "capabilities": _mix(view.pooled, found.place),
        "timeline": timeline((view.now // PANE_US - 1) * PANE_US, _active(view.bits, part)),
        "features": {
            name: round(float(features[name][g]), 4)
            for name in (
                "disjoint_coverage",
                "length_twins",
                "volume_evenness",
                "step_correlation",
                "birth_concentration",
            )
        },
    }


def _texts(view: ClusterView, part: I64) -> list[Shared]:
    """The texts that most members share."""
    links, slots = view.links, view.slots[part]
    keys, held = links.texts_of(slots)
    most = np.argsort(-held, kind="stable")[: 2 * MOST_SHOWN]
    counted = zip(keys[most].tolist(), held[most].tolist(), strict=True)
    return [Shared(links.kind_of(key), links.short(key), count) for key, count in counted]


def covered(clusters: Clusters, score: F64, level: I64) -> list[int]:
    """Alerted clusters half of whose members another one names with a higher score: a community and its cores are one case.

    Args:
        clusters: of a look.
        score: f64[clusters], nats.
        level: i64[clusters], severity or `NONE`.
    """
    sizes = np.diff(clusters.view.offsets)
    named: set[int] = set()
    covered = []
    for g in sorted(
        np.flatnonzero(level != NONE).tolist(), key=lambda g: (-score[g], -sizes[g])
    ):  # over alerted clusters
        members = set(clusters.members(g).tolist())
        if len(members & named) >= len(members) / 2:
            covered.append(g)
        else:
            named |= members
    return covered
