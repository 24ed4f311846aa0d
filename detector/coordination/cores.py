"""Cores of communities: the members that hold one key, proposed as clusters of their own.

Two pools that share a common phrase, or a pool and the users of a tool, end up in one community, and the mixture looks like neither.
"""

from collections.abc import Sequence

import numpy as np

from detector.coordination.graph import GLUE, Links
from detector.profiles.layout import I32

LEAST = 4  # members of a core
MOST_SHARE = 0.8  # of the community: above, the community says the same
PER_COMMUNITY = 3  # strongest keys of a community


def cores(groups: Sequence[I32], links: Links) -> list[tuple[int, I32]]:
    """Members of each community that hold one of its strongest keys.

    Args:
        groups: slots of each community.
        links: of the look.

    Returns:
        Hash of the key and slots, ascending, of each core; none equals a community or another core.
    """
    if not groups:
        return []
    slots = np.concatenate(groups)
    size = np.array([g.size for g in groups])
    community = np.full(int(max(slots.max(), links.slot.max(initial=0))) + 1, -1, np.int64)
    community[slots] = np.repeat(np.arange(size.size), size)
    inside = (community[links.slot] >= 0) & GLUE[links.kind]
    slot, key, weight = links.slot[inside], links.key[inside], links.weight[inside]
    keys = int(key.max(initial=0)) + 1
    pair, place, held = np.unique(community[slot] * keys + key, return_inverse=True, return_counts=True)
    of = pair // keys
    strength = np.bincount(place, weight, pair.size)
    fit = np.flatnonzero((held >= LEAST) & (held <= MOST_SHARE * size[of]))
    fit = fit[np.lexsort((pair[fit], -strength[fit], of[fit]))]
    first = np.searchsorted(of[fit], of[fit])
    chosen = fit[np.arange(fit.size) - first < PER_COMMUNITY]
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], chosen)
    named = sorted(
        (
            (int(links.hashed[pair[c] % keys]), np.sort(slot[order[s : s + held[c]]]))
            for s, c in zip(starts, chosen, strict=True)
        ),
        key=lambda core: core[0],
    )
    unlike = {members.tobytes(): (key, members) for key, members in reversed(named)}
    return [unlike[members] for members in sorted(unlike)]
