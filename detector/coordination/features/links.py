"""What holds a cluster together: surprise by kind of link, and density."""

import numpy as np

from detector.coordination.features.base import N_KINDS, ClusterView, cluster_feature
from detector.coordination.keys import KINDS, MAIL, NETWORK, PAYMENT, SIGNUP, SYSTEM, TEMPLATE, TLS
from detector.profiles.layout import F64


def strengths(v: ClusterView) -> F64:
    """Nats by member and kind: the strongest key that another member of the same cluster holds too; f64[members, kinds]."""
    where = np.full(int(max(v.slots.max(initial=-1), v.links.slot.max(initial=-1))) + 1, -1, np.int64)
    where[v.slots] = np.arange(v.slots.size)
    member = where[v.links.slot]
    inside = member >= 0
    member, key = member[inside], v.links.key[inside]
    kind, weight = v.links.kind[inside], v.links.weight[inside]
    pair = v.cluster[member] * (int(v.links.key.max(initial=0)) + 1) + key
    _, inverse, holders = np.unique(pair, return_inverse=True, return_counts=True)
    shared = holders[inverse] > 1
    out = np.zeros((v.slots.size, N_KINDS))
    np.maximum.at(out, (member[shared], kind[shared]), weight[shared])
    return out


def _declare(name: str, kinds: tuple[int, ...], needs: tuple[str, ...], meaning: str) -> None:
    cluster_feature(name, "nats", "mean over members of the rarest shared key", needs, meaning)(
        lambda v: v.mean(strengths(v)[:, list(kinds)].max(axis=1))
    )


_declare("link_template", (TEMPLATE,), ("prompt",), "one wrapper in every prompt")
_declare("link_system_prompt", (SYSTEM,), ("system_prompt",), "one fixed system prompt")
_declare("link_payment", (PAYMENT,), (), "cards shared")
_declare("link_network", (NETWORK, SIGNUP), (), "networks shared")
_declare("link_tls", (TLS,), ("tls_fingerprint",), "a scarce client stack shared")
_declare("link_mail", (MAIL,), (), "a mail domain and a week of sign-up shared")


@cluster_feature("link_surprise", "nats", "sum over kinds of the mean over members", (), "how unlikely by chance")
def link_surprise(v: ClusterView) -> F64:
    """Kinds are added: chance would have to strike in each."""
    by_kind = strengths(v)
    return sum((v.mean(by_kind[:, k]) for k in range(len(KINDS))), start=np.zeros(v.offsets.size - 1))


@cluster_feature("density", "share", "members linked by two kinds or more", (), "not one coincidence")
def density(v: ClusterView) -> F64:
    """Of all members."""
    return v.mean(((strengths(v) > 0).sum(axis=1) > 1).astype(np.float64))
