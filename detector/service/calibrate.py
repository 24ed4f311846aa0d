"""A benign reference from a provider's own log, in which attackers may already be: two passes, and what was left out.

The first pass replays the log with the reference of before. Whoever is named in an actionable alert is left out of the quantiles; the
second pass scores everybody with the new quantiles, and the null is read off the middle of the scores (`detector.scoring.central`).
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from detector.alerts.model import ACTIONABLE
from detector.profiles.layout import DAY_US, F64, I32
from detector.scoring.anomaly.model import AnomalyModel
from detector.scoring.blend import blend
from detector.scoring.central import central_null, cut_of
from detector.scoring.labelled import SHARE, Said, Verdicts, verdicts
from detector.scoring.reference import ALL, STRATA, Reference, Strangeness, measure
from detector.scoring.rules import Rule
from detector.scoring.scorer import ACCOUNT, CLUSTER
from detector.service.calibration import Batches, Highest, MakeEngine, Snapshots, run, scorer_of
from detector.service.engine import Engine

FEWEST: Final = 300  # accounts; fewer say too little of a tail
_WEEK_DAYS: Final = 7.0
_HALF: Final = 0.5  # of the members: a cluster goes as they do


class Calibrated(NamedTuple):
    """A reference and how it came about.

    Attributes:
        reference: to detect with.
        entities: accounts and clusters that its null rests on.
        left_out: accounts that were left out, as an actionable alert or people named them.
        beyond: accounts and clusters that score beyond the cut, of which nothing is believed either way.
        let_in, kept_out: accounts that came in by labels, and that did not for the guard.
        days: length of the log.
    """

    reference: Reference
    entities: dict[str, int]
    left_out: int
    beyond: dict[str, int]
    let_in: int
    kept_out: int
    days: float


def calibrate(
    rules: list[Rule],
    batches: Batches,
    make: MakeEngine,
    prior: Reference,
    made_from: str,
    labels: Sequence[Said] = (),
    excused: Collection[str] = (),
    anomaly: AnomalyModel | None = None,
) -> Calibrated:
    """A reference from traffic that is mostly benign.

    Args:
        rules: whose scores make the null.
        batches: gives the traffic, each time anew.
        make: an engine of the given class with the given scorer.
        prior: the reference of before.
        made_from: description for the reference.
        labels: what people said of accounts and alerts.
        excused: accounts that never alert, whatever they do.
        anomaly: model whose null is measured too; on all accounts, since hostile ones among them make p-values larger only.

    Raises:
        ValueError: there are too few accounts.
    """
    first = make(Snapshots, scorer_of(rules, prior, anomaly))
    if not isinstance(first, Snapshots):
        raise TypeError("the engine is of another class")
    first.alerting = True
    run(first, batches)
    if len(first.store) < FEWEST:
        raise ValueError(f"{len(first.store)} accounts are too few for a reference; at least {FEWEST} are needed")
    said = verdicts(labels, {e.id: e.named for e in first.alerts.entries.values()})
    named = _named(first)
    let_in = _let_in(first, named, said)
    out = ((named.keys() | said.attack) - let_in) | set(excused)
    counts, quantiles = _quantiles(first, out, prior)
    second = make(Highest, scorer_of(rules, Reference(made_from, counts, quantiles, prior.null), anomaly))
    if not isinstance(second, Highest):
        raise TypeError("the engine is of another class")
    run(second, batches)
    days = (first.now - first.began) / DAY_US
    null, beyond = {}, {}
    for category, (scores, known) in _scores(second, out, let_in).items():
        cut = cut_of(prior.null[category])
        null[category] = central_null(scores, prior.null[category], known[known > cut], days / _WEEK_DAYS)
        beyond[category] = int((scores > cut).sum())
    return Calibrated(
        Reference(
            made_from, counts, quantiles, null, Strangeness(anomaly.digest, second.weeks(days)) if anomaly else None
        ),
        {category: each.count for category, each in null.items()},
        len(out),
        beyond,
        len(let_in),
        len(said.benign & named.keys()) - len(let_in),
        round(days, 2),
    )


def _named(engine: Engine) -> dict[str, float]:
    """Accounts of actionable alerts, with the p-value that named them."""
    out: dict[str, float] = {}
    for entry in engine.alerts.live():
        if entry.level >= ACTIONABLE:
            for account in entry.named:
                out[account] = min(entry.p_value, out.get(account, 1.0))
    return out


def _let_in(engine: Snapshots, named: dict[str, float], said: Verdicts) -> frozenset[str]:
    """Named accounts that labels bring in all the same: of each stratum a few, the least strange first."""
    latest = pl.concat(engine.frames[ACCOUNT]).select("entity", "stratum").unique("entity", keep="last")
    stratum = {engine.store.ids[slot]: name for slot, name in latest.iter_rows()}
    room = {name: int(SHARE * n) for name, n in latest["stratum"].value_counts().iter_rows()}
    out = set()
    for account in sorted(said.benign & named.keys(), key=lambda a: (-named[a], a)):
        where = stratum.get(account)
        if where is not None and room[where] > 0:
            room[where] -= 1
            out.add(account)
    return frozenset(out)


def _quantiles(
    engine: Snapshots, out: frozenset[str] | set[str], prior: Reference
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, dict[str, dict[str, float]]]]]:
    """Counts and quantiles by category, without what was left out, mixed with those of before."""
    gone = np.array([name in out for name in engine.store.ids])
    keep = {
        ACCOUNT: [~gone[frame["entity"].to_numpy()] for frame in engine.frames[ACCOUNT]],
        CLUSTER: [np.array([gone[m].mean() < _HALF for m in engine.members])],
    }
    counts, quantiles = {}, {}
    for category, frames in engine.frames.items():
        before = prior.counts.get(category, {})
        counts[category], quantiles[category] = dict(before), prior.quantiles.get(category, {})
        if not frames:
            continue
        frame = pl.concat(frames).filter(np.concatenate(keep[category]))
        own_counts, own = measure(frame.drop("entity"))
        entities = {s: (frame if s == ALL else frame.filter(pl.col("stratum") == s))["entity"].n_unique() for s in own}
        counts[category] = {s: before.get(s, 0) + own_counts.get(s, 0) for s in (ALL, *STRATA)}
        quantiles[category] = blend(own, entities, prior, category)
    return counts, quantiles


def _scores(engine: Highest, out: frozenset[str] | set[str], let_in: frozenset[str]) -> dict[str, tuple[F64, F64]]:
    """Highest scores by category: of those that were not left out, and of those that labels let in."""
    n = len(engine.store)
    gone, known = (np.array([name in some for name in engine.store.ids]) for some in (out, let_in))

    def of_clusters(some: np.ndarray[tuple[int], np.dtype[np.bool_]], *, most: bool) -> F64:
        chosen = [s for s, m in engine.clusters_high.values() if (_share(some, m) >= _HALF) == most]
        return np.array(chosen, np.float64)

    limit = max(1, int(SHARE * len(engine.clusters_high)))
    labelled = np.sort(of_clusters(known, most=True))[:limit]
    high = engine.accounts_high[:n]
    return {ACCOUNT: (high[~gone], high[known]), CLUSTER: (of_clusters(gone, most=False), labelled)}


def _share(some: np.ndarray[tuple[int], np.dtype[np.bool_]], members: I32) -> float:
    return float(some[members].mean())
