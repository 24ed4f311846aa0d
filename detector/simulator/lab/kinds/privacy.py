"""What votes with Gaussian noise give away about any one record, by Rényi differential privacy.

One record can change one teacher's vote, which moves two counts by one: a distance of √2. The maximum of counts with noise
of standard deviation s is then (a, a / s²)-RDP at every order a (Papernot et al. 2018, "Scalable private learning with PATE",
proposition 8), k votes one after the other are (a, k·a / s²)-RDP, and (a, r)-RDP is (r + ln(1/δ) / (a - 1), δ)-DP (Mironov
2017, "Rényi differential privacy", propositions 1 and 3).
"""

import math


def epsilon(votes: int, noise: float, delta: float) -> float:
    """ε of some votes at a δ, at the order that makes it least; infinite without noise.

    The bound does not look at the votes themselves, so it may be told to anybody.

    Args:
        votes: given out.
        noise: standard deviation on each count.
        delta: between 0 and 1; below one over the number of records.

    Raises:
        ValueError: delta is out of range.
    """
    if not 0 < delta < 1:
        raise ValueError("delta has to lie between 0 and 1")
    if votes == 0:
        return 0.0
    if noise == 0:
        return math.inf
    # k·a/s² + ln(1/δ)/(a - 1) is least at a = 1 + √(ln(1/δ)·s²/k).
    spent = votes / noise**2
    return spent + 2 * math.sqrt(spent * math.log(1 / delta))
