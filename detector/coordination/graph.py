"""The bipartite graph of accounts and link keys, weighed by surprise, and its communities."""

from typing import NamedTuple

import graspologic_native
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from detector.coordination.keys import MAIL, SYSTEM, TEMPLATE, TLS, Edges
from detector.profiles.layout import F64, I32, I64

MIN_SURPRISE = 2.0  # nats: a key held by more than e⁻² of all accounts says nothing about two of them
# Popular domains have sign-ups every week, and every client stack has strangers on it: evidence about a cluster, but nothing to
# build one on.
NO_GLUE = (MAIL, TLS)
SMALLEST = 3
SEED = 20_260_224


class Links(NamedTuple):
    """Edges that survive weighing.

    Attributes:
        slot: account.
        key: dense key number.
        kind: `KINDS`.
        weight: nats, surprise × support.
        holders: accounts that hold the key.
        hashed: the key itself, by dense number.
    """

    slot: I32
    key: I64
    kind: npt.NDArray[np.uint8]
    weight: F64
    holders: I64
    hashed: npt.NDArray[np.uint64]


def weigh(edges: Edges, population: int) -> Links:
    """Drop keys that nobody shares or too many do; weigh the rest by −log of the share of accounts that hold them.

    Args:
        edges: all keys of all active accounts.
        population: active accounts.
    """
    hashed, inverse, holders = np.unique(edges.key, return_inverse=True, return_counts=True)
    held = holders[inverse]
    surprise = np.log(max(population, 2) / held)
    # In a small population nothing can be as rare as the floor asks: a pair may always link.
    keep = (held > 1) & (surprise >= min(MIN_SURPRISE, float(np.log(max(population, 4) / 2.0))))
    return Links(
        edges.slot[keep],
        inverse[keep],
        edges.kind[keep],
        surprise[keep] * edges.support[keep],
        holders,
        hashed,
    )


def communities(links: Links) -> list[I32]:
    """Slots of each community of at least `SMALLEST` accounts, largest first, ties by smallest slot.

    Leiden (Traag et al. 2019) on the bipartite graph; the texts of one account share the weight of the strongest, so that a long
    wrapper does not outweigh a payment token.
    """
    glue = ~np.isin(links.kind, NO_GLUE)
    links = links._replace(slot=links.slot[glue], key=links.key[glue], kind=links.kind[glue], weight=links.weight[glue])
    if links.slot.size == 0:
        return []
    slots, rows = np.unique(links.slot, return_inverse=True)
    keys, columns = np.unique(links.key, return_inverse=True)
    text = np.isin(links.kind, (TEMPLATE, SYSTEM))
    texts = np.bincount(rows[text], minlength=slots.size)
    weight = np.where(text, links.weight / np.sqrt(np.maximum(texts[rows], 1)), links.weight)
    n = slots.size + keys.size
    half = sp.coo_matrix((weight, (rows, columns + slots.size)), shape=(n, n))
    graph = (half + half.T).tocsr()
    graph.sum_duplicates()
    _, labels = graspologic_native.leiden_csr(
        graph.indptr.astype(np.int64), graph.indices.astype(np.int32), graph.data, n_nodes=n, seed=SEED
    )
    community = np.fromiter((labels[i] for i in range(slots.size)), np.int64, slots.size)
    order = np.argsort(community, kind="stable")
    cuts = np.flatnonzero(np.diff(community[order])) + 1
    groups = [slots[part] for part in np.split(order, cuts)]
    return sorted((g for g in groups if g.size >= SMALLEST), key=lambda g: (-g.size, int(g[0])))
