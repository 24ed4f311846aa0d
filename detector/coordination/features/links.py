"""What holds a cluster together: surprise by kind of link, and density."""

from collections.abc import Callable, Collection

import numpy as np

from detector.coordination.features.base import ClusterView, Ties, cluster_feature
from detector.coordination.keys import KINDS, MAIL, NETWORK, PAYMENT, REASONING, SIGNUP, SYSTEM, TEMPLATE, TIMING, TLS
from detector.profiles.layout import F64

_ALL = tuple(range(len(KINDS)))
# Kinds of link that each feature rests on, and the feature of what ties clusters.
RESTS_ON: dict[str, tuple[int, ...]] = {"link_surprise": _ALL, "density": _ALL}
_OF_TIES: dict[str, Callable[[Ties], F64]] = {}


def _declare(name: str, kinds: tuple[int, ...], needs: tuple[str, ...], meaning: str) -> None:
    RESTS_ON[name] = kinds

    def compute(ties: Ties) -> F64:
        return ties.mean(ties.strengths[:, list(kinds)].max(axis=1))

    _OF_TIES[name] = compute
    cluster_feature(name, "nats", "mean over members of the rarest shared key", needs, meaning)(
        lambda v: compute(v.ties)
    )


_declare("link_template", (TEMPLATE,), ("prompt",), "one wrapper in every prompt")
_declare("link_system_prompt", (SYSTEM,), ("system_prompt",), "one fixed system prompt")
_declare("link_payment", (PAYMENT,), (), "cards shared")
_declare("link_network", (NETWORK, SIGNUP), (), "networks shared")
_declare("link_tls", (TLS,), ("tls_fingerprint",), "a scarce client stack shared")
_declare("link_mail", (MAIL,), (), "a mail domain and a week of sign-up shared")
_declare("link_timing", (TIMING,), (), "one gap between requests, held as by a clock")
_declare("link_reasoning", (REASONING,), ("reasoning_refs_in",), "reasoning artefacts of others presented")


@cluster_feature(
    "artefacts_shared",
    "artefacts",
    "mean over members of reasoning artefacts shared, of a sample of at most 5",
    ("reasoning_refs_in",),
    "not the one artefact of a manual",
)
def artefacts_shared(v: ClusterView) -> F64:
    """An artefact that a manual or a bug report prints is presented by many who try it; a replayer has more than one."""
    member, kind, _, _ = v.shared
    return v.mean(np.bincount(member[kind == REASONING], minlength=v.slots.size).astype(np.float64))


def _surprise(ties: Ties) -> F64:
    by_kind = ties.strengths
    return sum((ties.mean(by_kind[:, k]) for k in _ALL), start=np.zeros(ties.offsets.size - 1))


def _density(ties: Ties) -> F64:
    return ties.mean(((ties.strengths > 0).sum(axis=1) > 1).astype(np.float64))


_OF_TIES |= {"link_surprise": _surprise, "density": _density}


@cluster_feature("link_surprise", "nats", "sum over kinds of the mean over members", (), "how unlikely by chance")
def link_surprise(v: ClusterView) -> F64:
    """Kinds are added: chance would have to strike in each."""
    return _surprise(v.ties)


@cluster_feature("density", "share", "members linked by two kinds or more", (), "not one coincidence")
def density(v: ClusterView) -> F64:
    """Of all members."""
    return _density(v.ties)


def without(ties: Ties, kinds: Collection[int]) -> dict[str, F64]:
    """The features of links, had the members shared nothing of these kinds.

    Args:
        ties: of clusters.
        kinds: numbers of kinds.
    """
    left = ties.without(kinds)
    return {name: compute(left) for name, compute in _OF_TIES.items()}
