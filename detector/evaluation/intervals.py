"""Intervals: of a share, of a ratio over accounts, of a median, and what a base rate makes of them."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

Z95 = 1.959963984540054
"""Two-sided 95 % point of the normal distribution."""


def wilson(successes: int, trials: int, z: float = Z95) -> tuple[float, float]:
    """The Wilson score interval of a binomial share.

    Args:
        successes: how often it happened, 0..trials.
        trials: how often it could have.
        z: normal quantile of the wanted coverage; 95 % by default.

    Returns:
        Lower and upper bound in [0, 1]; (0, 1), "anything", where there was no trial.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    scale = 1.0 + z * z / trials
    middle = (share + z * z / (2.0 * trials)) / scale
    half = z / scale * math.sqrt(share * (1.0 - share) / trials + z * z / (4.0 * trials * trials))
    # Rounding must not push a bound past the share it encloses.
    return max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share))


def ratio_interval(parts: NDArray[np.float64], wholes: NDArray[np.float64], z: float = Z95) -> tuple[float, float]:
    """The interval of sum(parts) / sum(wholes) where each account gives both: exchanges of one account are no separate witnesses.

    Args:
        parts: f64[n], an account's share of the numerator.
        wholes: f64[n], its share of the denominator.
        z: normal quantile of the wanted coverage.

    Returns:
        Lower and upper bound in [0, 1]; (0, 1), "anything", below two accounts, and no width where all accounts agree.

    Source: W. G. Cochran, "Sampling Techniques", 3rd ed. (1977), §2.11 and §6.4: the linearised variance of a ratio.
    """
    n, whole = parts.size, float(wholes.sum())
    if n < 2 or whole == 0.0:  # noqa: PLR2004 - one value has no spread
        return 0.0, 1.0
    ratio = float(parts.sum()) / whole
    half = z * math.sqrt(n / (n - 1.0) * float(((parts - ratio * wholes) ** 2).sum())) / whole
    return max(0.0, ratio - half), min(1.0, ratio + half)


def median_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The order statistics that enclose the median with at least 95 %, whatever the distribution.

    Args:
        values: any number of them, in any order.

    Returns:
        Lower and upper bound; None below six values, which cannot enclose it that surely.

    Source: W. J. Conover, "Practical Nonparametric Statistics", 3rd ed. (1999), §3.2.
    """
    ordered, n = sorted(values), len(values)
    below = int(binom.ppf(0.025, n, 0.5)) if n else 0
    return (float(ordered[below - 1]), float(ordered[n - below])) if below else None


def precision_at(base_rate: float, recall: float, benign_flagged: float) -> float:
    """The precision that a recall and a benign flagged share would give at another base rate (Bayes).

    Args:
        base_rate: share of hostile accounts in the population, in (0, 1).
        recall: share of hostile accounts that are flagged, in [0, 1].
        benign_flagged: share of benign accounts that are flagged, in [0, 1].

    Returns:
        Share of flagged accounts that are hostile; 0 where nothing would be flagged.
    """
    hit = base_rate * recall
    flagged = hit + (1.0 - base_rate) * benign_flagged
    return hit / flagged if flagged > 0.0 else 0.0
