"""Kong: a decK file with the consumers in a group, and the plugins scoped to the group.

Requests through `rate-limiting-advanced`, tokens through `ai-rate-limiting-advanced` (both Enterprise), suspension
through `request-termination`. https://developer.konghq.com/plugins/ai-rate-limiting-advanced/
"""

from typing import Any, Final

from detector.alerts.model import Limit, Recommendation
from detector.alerts.render.base import Rendered, shared, split

_TOKENS: Final = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}
_FORBIDDEN = 403


def kong(recommendation: Recommendation) -> Rendered:
    """A declarative configuration for `deck gateway apply`."""
    if recommendation.subject.kind in {"api_key", "end_user"}:
        return Rendered(notes=["Kong limits consumers: it cannot bind one key or end user and spare the account."])
    notes = [
        "An account id is taken for a consumer's username.",
        "Use `deck gateway apply`, which adds; `deck gateway sync` without the select tag would remove all else.",
    ]
    tag, accounts = f"revenuer-{recommendation.id}", recommendation.subject.accounts
    out: dict[str, Any] = {"_format_version": "3.0", "_info": {"select_tags": [tag]}}
    if recommendation.action == "suspend":
        # A plugin on a consumer wins over the same one on a group.
        block = {"name": "request-termination", "config": {"status_code": _FORBIDDEN}}
        out["consumers"] = [{"username": account, "plugins": [block]} for account in accounts]
        return Rendered(out, notes)
    limits = split(recommendation, lambda li: li.unit != "concurrent_requests", notes, "Kong has no plugin for")
    if not limits:
        return Rendered({}, notes)
    one_each = not shared(recommendation)
    identifier = "consumer" if one_each else "consumer-group"
    if not one_each:
        notes.append("Members share one budget: the counter is the group's, not the consumer's.")
        notes.append(
            "Kong applies one group's plugin to a consumer: take members out of groups that set the same plugin."
        )
        notes.append("Several nodes share a counter only with the strategy redis: set yours.")
    out["consumer_groups"] = [{"name": tag, "plugins": _plugins(limits, tag, identifier)}]
    out["consumers"] = [{"username": account, "groups": [{"name": tag}]} for account in accounts]
    return Rendered(out, notes)


def _plugins(limits: list[Limit], tag: str, identifier: str) -> list[dict[str, Any]]:
    # A namespace of its own for each plugin: in a common one a token would count as a request.
    common = {"identifier": identifier, "strategy": "local"}
    plugins: list[dict[str, Any]] = []
    requests = sorted((li for li in limits if li.unit == "requests"), key=lambda li: li.window_s)
    if requests:
        windows = {"limit": [li.quota for li in requests], "window_size": [li.window_s for li in requests]}
        plugins.append(
            {
                "name": "rate-limiting-advanced",
                "config": {**windows, "window_type": "sliding", **common, "namespace": f"{tag}-requests"},
            }
        )
    tokens = [li for li in limits if li.unit in _TOKENS]
    if tokens:
        policy = {
            "limits": [
                {"limit": li.quota, "window_size": li.window_s, "tokens_count_strategy": _TOKENS[li.unit]}
                for li in tokens
            ],
            "window_type": "sliding",
        }
        plugins.append(
            {
                "name": "ai-rate-limiting-advanced",
                "config": {"policies": [policy], **common, "namespace": f"{tag}-tokens"},
            }
        )
    return plugins
