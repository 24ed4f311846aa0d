"""A null distribution from traffic that attackers may already be in: its tail is read off the middle, not off the top.

What scores highest on a provider's own log is either an attacker or an honest outlier, and nobody knows which. To drop it would make
the null too light, and the promised rate of false alarms a lie; to keep it would hide whoever scores like it. What lies beyond a cut
counts neither way: the tail is fitted to the scores between a threshold and the cut, as an exponential that was truncated there, and
carried on beyond (central matching: Efron, JASA 2004 and 2007). A tail that looks steeper than that of the reference of before is not
believed: attackers who all score a little look like that, and would make honest outliers seem impossible. Hostile entities below the
cut make p-values larger, not smaller.
"""

from typing import Final

import numpy as np
from scipy.optimize import brentq

from detector.profiles.layout import F64
from detector.scoring.reference import Null

PRIOR: Final = (
    200  # entities that the reference of before is worth: a deployment's own traffic takes its place bit by bit
)
UNKNOWN: Final = 1e-4  # the cut is where the reference of before puts this share of benign entities
_TAIL: Final = 0.025  # share of the scores that the tail is fitted on, and
_LEAST: Final = 30  # scores at least: further up the tail is straighter, and emptier
_SLOPE: Final = 30  # of such scores the slope of the tail of before is worth
_WIDE: Final = 2.0  # nats between threshold and cut, at least
_LATTICE: Final = 0.25  # nats; weights are whole quarters, and halves of those
_FACTOR: Final = 4.0  # the tail is flatter than that of before by so much at most
_MOST: Final = 50.0  # per nat, where the root is looked for


def cut_of(prior: Null) -> float:
    """The score beyond which an entity may be anything; see `UNKNOWN`."""
    low, high = 0.0, 1.0
    while prior.p_value(high) > UNKNOWN:
        high *= 2.0
    while high - low > _LATTICE / 2:
        middle = (low + high) / 2
        low, high = (middle, high) if prior.p_value(middle) > UNKNOWN else (low, middle)
    return float(np.ceil(high / _LATTICE) * _LATTICE)


def quantiles_of(prior: Null, n: int) -> F64:
    """`n` scores that lie as the reference of before says; f64[n], ascending."""
    levels = (np.arange(n) + 0.5) / n
    known = np.concatenate([np.zeros(max(prior.count - len(prior.scores), 0)), prior.scores])
    return np.asarray(np.quantile(known, levels, method="inverted_cdf"), np.float64)


def _mean(rate: float, width: float) -> float:
    """Mean of an exponential that was truncated at `width`."""
    return float(1.0 / rate - width / np.expm1(rate * width))


def truncated_rate(mean: float, width: float) -> float:
    """Rate of an exponential of which only values up to `width` were seen; maximum likelihood, bounded away from 0.

    Args:
        mean: of the values, above 0.
        width: nats.
    """

    def lacks(rate: float) -> float:
        return _mean(rate, width) - mean

    least = 1e-3
    if lacks(least) <= 0:
        return least  # flat, or rising towards the cut
    return float(brentq(lacks, least, _MOST)) if lacks(_MOST) < 0 else _MOST


def central_null(scores: F64, prior: Null, known: F64 | None = None, weeks: float = 1.0) -> Null:
    """The null distribution of benign entities among all of these.

    Args:
        scores: f64[n], highest score of each entity within the log, those of attackers as well.
        prior: of the reference of before; worth `PRIOR` entities.
        known: f64[m], scores beyond the cut of entities that people found to be benign. Each counts as one that reached the cut and
            no further: a label moves the null by one entity, whatever that entity scored.
        weeks: length of the log; a week has more looks than a day, and an entity's highest score grows with them.
    """
    cut = cut_of(prior)
    own = np.concatenate([scores[scores <= cut], np.full(0 if known is None else known.size, cut)])
    before = quantiles_of(prior, PRIOR)
    middle = np.sort(np.concatenate([own, before[before <= cut]]))
    tail = min(max(_TAIL, _LEAST / middle.size), 1.0)
    threshold = float(min(np.quantile(middle, 1.0 - tail, method="inverted_cdf"), cut - _WIDE))
    threshold = max(threshold, _LATTICE)  # most entities score nothing, which is no tail
    above, width = (middle >= threshold).sum(), cut - threshold + _LATTICE
    rate = _rate(own[own >= threshold] - threshold, width, prior.rate)
    beyond = above * np.exp(-rate * width) / -np.expm1(-rate * width)
    share = (above + beyond) / (middle.size + beyond) / min(weeks, 1.0)
    kept = middle[middle > 0]
    return Null(
        count=int(middle.size),
        scores=[round(float(s), 4) for s in kept],
        rate=rate,
        threshold=threshold,
        share=float(min(share, 1.0)),
    )


def _rate(excess: F64, width: float, prior: float) -> float:
    """Rate of the tail: of its own excesses, of what the tail of before is worth, with the standard error on the safe side."""
    n = excess.size + _SLOPE
    cells = excess + _LATTICE / 2  # scores stand for cells that begin on the lattice
    rate = truncated_rate(float(cells.sum() + _SLOPE * _mean(prior, width)) / n, width)
    return float(np.clip(rate * (1.0 - 1.0 / np.sqrt(n)), prior / _FACTOR, prior))
