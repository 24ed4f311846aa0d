"""What holds a cluster together: surprise by kind of link, and density."""

from collections.abc import Collection

import numpy as np

from detector.coordination.features.base import CLUSTER_FEATURES, ClusterView, cluster_feature
from detector.coordination.keys import KINDS, MAIL, NETWORK, PAYMENT, SIGNUP, SYSTEM, TEMPLATE, TIMING, TLS
from detector.profiles.layout import F64

# Kinds of link that each feature rests on.
RESTS_ON: dict[str, tuple[int, ...]] = {"link_surprise": tuple(range(len(KINDS))), "density": tuple(range(len(KINDS)))}


def _declare(name: str, kinds: tuple[int, ...], needs: tuple[str, ...], meaning: str) -> None:
    RESTS_ON[name] = kinds
    cluster_feature(name, "nats", "mean over members of the rarest shared key", needs, meaning)(
        lambda v: v.mean(v.strengths[:, list(kinds)].max(axis=1))
    )


_declare("link_template", (TEMPLATE,), ("prompt",), "one wrapper in every prompt")
_declare("link_system_prompt", (SYSTEM,), ("system_prompt",), "one fixed system prompt")
_declare("link_payment", (PAYMENT,), (), "cards shared")
_declare("link_network", (NETWORK, SIGNUP), (), "networks shared")
_declare("link_tls", (TLS,), ("tls_fingerprint",), "a scarce client stack shared")
_declare("link_mail", (MAIL,), (), "a mail domain and a week of sign-up shared")
_declare("link_timing", (TIMING,), (), "one gap between requests, held as by a clock")


@cluster_feature("link_surprise", "nats", "sum over kinds of the mean over members", (), "how unlikely by chance")
def link_surprise(v: ClusterView) -> F64:
    """Kinds are added: chance would have to strike in each."""
    by_kind = v.strengths
    return sum((v.mean(by_kind[:, k]) for k in range(len(KINDS))), start=np.zeros(v.offsets.size - 1))


@cluster_feature("density", "share", "members linked by two kinds or more", (), "not one coincidence")
def density(v: ClusterView) -> F64:
    """Of all members."""
    return v.mean(((v.strengths > 0).sum(axis=1) > 1).astype(np.float64))


def without(v: ClusterView, kinds: Collection[int]) -> dict[str, F64]:
    """The features of links, had the members shared nothing of these kinds.

    Args:
        v: clusters of a look.
        kinds: numbers of kinds.
    """
    less = v.sharing(np.array([kind not in kinds for kind in range(len(KINDS))]))
    return {name: CLUSTER_FEATURES[name].compute(less) for name in RESTS_ON}
