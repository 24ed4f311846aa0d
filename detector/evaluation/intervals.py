"""Wilson score intervals: bounds for a share that stay sane at 0, at 1 and for few trials."""

import math

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
