"""Joint moments: born together, first to a new model, there after a ban."""

import numpy as np

from detector.coordination.features.base import ClusterView, cluster_feature
from detector.profiles.layout import COUNT, DAY_US, F64

_BIRTH_US = 3 * DAY_US
_AFTER_BAN_US = DAY_US
_NEVER = np.iinfo(np.int64).max
_FLOOR = 1e-3
_LEAST = 1e-9


def _divergence(inside: F64, outside: F64) -> F64:
    # Nats a member: Kullback–Leibler divergence of two coins, one-sided.
    p, q = np.clip(inside, _LEAST, 1.0 - _LEAST), np.clip(outside, _FLOOR, 1.0 - _FLOOR)
    return np.where(p > q, p * np.log(p / q) + (1.0 - p) * np.log((1.0 - p) / (1.0 - q)), 0.0)


@cluster_feature("birth_concentration", "nats", "members made within 3 d, against all accounts", (), "made in one go")
def birth_concentration(v: ClusterView) -> F64:
    """Divergence of the share of members in their fullest three days from the share of all accounts in them; nats a member."""
    out = np.zeros(v.offsets.size - 1)
    everyone = v.population.created
    for g in range(out.size):  # over clusters, a few dozen a tick
        created = np.sort(v.facts.created[v.offsets[g] : v.offsets[g + 1]])
        created = created[~np.isnan(created)]
        if created.size < 3 or everyone.size == 0:  # noqa: PLR2004 - two are a coincidence
            continue
        held = np.searchsorted(created, created + _BIRTH_US, side="right") - np.arange(created.size)
        start = created[int(np.argmax(held))]
        outside = (np.searchsorted(everyone, start + _BIRTH_US) - np.searchsorted(everyone, start)) / everyone.size
        # The fullest window was searched for: one member of it comes for free.
        inside = (held.max() - 1) / created.size
        out[g] = _divergence(np.array([inside]), np.array([outside]))[0]
    return out


@cluster_feature(
    "launch_response", "nats", "requests to a new model, against everybody's", ("model",), "pivots at once"
)
def launch_response(v: ClusterView) -> F64:
    """Divergence of the cluster's share of requests on a model launched within three days from everybody's."""
    share = v.launched / np.maximum(v.pooled.counts[:, COUNT["requests"]], 1)
    return _divergence(share, np.full(share.size, v.population.launch_share))


@cluster_feature("ban_response", "nats", "members first seen within 24 h after a ban", (), "a pool is replaced")
def ban_response(v: ClusterView) -> F64:
    """Divergence of the share of members that appeared within a day after a ban from the share of all accounts that did."""
    if v.bans.size == 0:
        return np.zeros(v.offsets.size - 1)
    at = np.searchsorted(v.bans, v.each.first, side="right") - 1
    after = (at >= 0) & (v.each.first - v.bans[np.maximum(at, 0)] <= _AFTER_BAN_US)
    # Of all accounts, who lie in order, those between each ban and a day later or the next one.
    first, until = v.population.first, np.minimum(v.bans + _AFTER_BAN_US + 1, np.append(v.bans[1:], _NEVER))
    count = (np.searchsorted(first, until) - np.searchsorted(first, v.bans)).sum()
    everyone = float(count / first.size) if first.size else 0.0
    return _divergence(v.mean(after.astype(np.float64)), np.full(v.offsets.size - 1, everyone))
