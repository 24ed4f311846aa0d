"""The IETF's RateLimit header fields: what a server tells a client of its quota.

draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy: "name";q=quota;w=seconds;qu="unit";pk=:key:` and
`RateLimit: "name";r=remaining;t=seconds;pk=:key:`.
"""

import base64
import hashlib
from typing import Final

from detector.alerts.model import Limit, Recommendation
from detector.alerts.render.base import Rendered, bound, shared

# The draft registers units for requests, bytes and parallel requests; token units are ours until one is registered.
_UNITS: Final = {
    "requests": "requests",
    "concurrent_requests": "concurrent-requests",
    "input_tokens": "input-tokens",
    "output_tokens": "output-tokens",
}
_REGISTERED: Final = frozenset({"requests", "concurrent_requests"})
_KEY_BYTES = 8


def ietf(recommendation: Recommendation) -> Rendered:
    """Both header fields as at the start of a window; a server counts `r` and `t` down."""
    notes = ["The fields advise a client and enforce nothing: something else must count and refuse."]
    if recommendation.action == "suspend":
        notes.append("A suspension has no field: answer 403.")
    if not recommendation.limits:
        return Rendered({}, notes)
    if not all(limit.unit in _REGISTERED for limit in recommendation.limits):
        notes.append("The draft registers no unit for tokens: input-tokens and output-tokens are Revenuer's own.")
    if shared(recommendation):
        notes.append("Members share one budget: all carry the same partition key, so members who compare notes see it.")
    key = _partition(recommendation)
    policies = [(f"{limit.unit}-{limit.window_s}", limit) for limit in recommendation.limits]
    return Rendered(
        {
            "bound": list(bound(recommendation)),
            "headers": {
                "RateLimit-Policy": ", ".join(_policy(name, limit, key) for name, limit in policies),
                "RateLimit": ", ".join(_state(name, limit, key) for name, limit in policies),
            },
        },
        notes,
    )


def _partition(recommendation: Recommendation) -> str:
    """A byte sequence that says who counts together and nothing of whom."""
    text = f"{recommendation.subject.kind}|{recommendation.subject.id}"
    digest = hashlib.blake2b(text.encode(), digest_size=_KEY_BYTES).digest()
    return f":{base64.b64encode(digest).decode()}:"


def _policy(name: str, limit: Limit, key: str) -> str:
    window = "" if limit.unit == "concurrent_requests" else f";w={limit.window_s}"
    return f'"{name}";q={limit.quota};qu="{_UNITS[limit.unit]}"{window};pk={key}'


def _state(name: str, limit: Limit, key: str) -> str:
    reset = "" if limit.unit == "concurrent_requests" else f";t={limit.window_s}"
    return f'"{name}";r={limit.quota}{reset};pk={key}'
