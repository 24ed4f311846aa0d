"""What part of its members' requests carries what a cluster shares: who sends too little of it is not seen.

A text counts as a habit once an account has repeated it. A wrapper is in every request, so that two of them will do; a phrase that is
in a tenth of what everybody sends is held by those alone who send some twenty. They are busy people, and look level for no other
reason than that the others are left out.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from detector.coordination.graph import GLUE, TEXTS, Links
from detector.coordination.keys import MIN_SUPPORT
from detector.profiles.layout import F64, I32, I64


def carried(links: Links, slots: I32, offsets: I64, keys: Sequence[int], population: int) -> F64:
    """Median over the members of each cluster of the share of requests that carries its key; f64[clusters].

    Of a community, which any of its keys lets in, the key that most of a member's requests carry; 1 where that is no text.

    Args:
        links: of the look.
        slots: members of all clusters one after the other.
        offsets: i64[clusters + 1].
        keys: hash of the key that holds a cluster together; 0 for a community.
        population: active accounts.
    """
    cluster = np.repeat(np.arange(offsets.size - 1), np.diff(offsets))
    member, edge = links.of(slots)
    key, kind = links.key[edge], links.kind[edge]
    wanted = np.asarray(keys, np.uint64)[cluster[member]]
    here = np.where(wanted == 0, GLUE[kind], links.hashed[key] == wanted)
    member, edge, key, kind = member[here], edge[here], key[here], kind[here]
    rare = np.log(max(population, 2) / links.holders[key])
    share = np.where(TEXTS[kind], links.weight[edge] / np.maximum(rare, 1e-9), 1.0)
    most = np.zeros(slots.size)
    np.maximum.at(most, member, share)
    # Whoever holds none of them any more came in by one that is gone.
    most = np.where(most > 0, np.clip(most, MIN_SUPPORT, 1.0), 1.0)
    return np.array([np.median(most[a:b]) for a, b in pairwise(offsets.tolist())])
