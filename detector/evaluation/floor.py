"""The least that a causal detector could leak: a floor that depends on the log alone, not on any detector.

One exchange of one account is no pattern. Who knows nothing of a campaign beforehand has something to go by only once its second
account has attacked, or, where it has one account, once that account has sent a second exchange. So on the evidence of the attack
itself no detector can name an account before

    max(that moment, the account's own first attack exchange),

and what the campaign sends before these moments leaks whatever anybody does. A detector that decides at ticks of event time can
name it only at the first tick after that moment; one that looks between ticks for what it knows already, as Revenuer does for texts
of a known cluster, can stay below this second floor. What tells on an account before it attacks (relayed traffic, facts of its
sign-up) is no evidence of an attack, but a detector that acts on it can stay below the first.
"""

import math
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

TICK_S = 300.0
"""Event time between looks at accounts: the default of the setting `tick_s`; ticks are aligned to the epoch."""


def earliest(
    campaigns: Mapping[str, Collection[str]], attacks: Mapping[str, NDArray[np.float64]], tick_s: float | None = None
) -> dict[str, float]:
    """When each hostile account could be named at the earliest, epoch seconds.

    Args:
        campaigns: accounts of each campaign.
        attacks: times of each account's attack exchanges, sorted.
        tick_s: seconds between moments of decision; None for a detector that decides at every exchange.

    Returns:
        A moment for every account that has attacked; infinite where the whole campaign is one exchange.
    """
    moments: dict[str, float] = {}
    for accounts in campaigns.values():
        own = {account: attacks[account] for account in accounts if attacks[account].size}
        starts = sorted(float(times[0]) for times in own.values())
        second = [float(times[1]) for times in own.values() if times.size > 1]
        known = min(starts[1:] or second, default=math.inf)
        for account, times in own.items():
            moment = max(known, float(times[0]))
            if tick_s and math.isfinite(moment):
                moment = (moment // tick_s + 1.0) * tick_s
            moments[account] = min(moment, moments.get(account, math.inf))
    return moments
