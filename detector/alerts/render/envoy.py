"""Envoy AI Gateway: a BackendTrafficPolicy with global limits; suspension as a SecurityPolicy.

An exact or regular match of a header counts all that it matches in one counter, which is how members share a budget;
`Distinct` would count each apart. https://gateway.envoyproxy.io/docs/tasks/traffic/global-rate-limit/
"""

import re
from typing import Any, Final

from detector.alerts.model import Limit, Recommendation
from detector.alerts.render.base import Rendered, bound, per_window, shared, split

HEADERS: Final = {"api_key": "x-api-key-id", "end_user": "x-end-user-id"}
ACCOUNT_HEADER: Final = "x-account-id"
BUDGET_HEADER: Final = "x-revenuer-budget"
GATEWAY: Final = "ai-gateway"
_UNITS: Final = ((86_400, "Day"), (3_600, "Hour"), (60, "Minute"), (1, "Second"))
_COSTS: Final = {
    "input_tokens": ("llm_input_token", "InputToken"),
    "output_tokens": ("llm_output_token", "OutputToken"),
}
_META: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")  # what RE2 gives a meaning
_LONGEST = 1024  # characters of a header match's value
_MOST_VALUES = 256  # values of a header in an authorization rule


def envoy(recommendation: Recommendation) -> Rendered:
    """Custom resources for `kubectl apply`."""
    name = HEADERS.get(recommendation.subject.kind, ACCOUNT_HEADER)
    notes = [
        f"The gateway must set {name} from the authenticated key and drop what a client sends under that name.",
        f"It targets the Gateway {GATEWAY}: put yours; one policy of a kind holds there, so merge the rules into it.",
    ]
    if recommendation.action == "suspend":
        return Rendered({"resources": [_deny(recommendation, name)]}, notes)
    limits = split(
        recommendation, lambda li: li.unit != "concurrent_requests", notes, "Envoy has no limit by client of"
    )
    if not limits:
        return Rendered({}, notes)
    selector, extra = _selector(recommendation, name, notes)
    rules = [_rule(limit, selector, notes) for limit in limits]
    policy = _resource(
        "BackendTrafficPolicy", recommendation, {"rateLimit": {"type": "Global", "global": {"rules": rules}}}
    )
    costs = [{"metadataKey": _COSTS[li.unit][0], "type": _COSTS[li.unit][1]} for li in limits if li.unit in _COSTS]
    if costs:
        extra["llm_request_costs"] = costs
        notes.append("The AIGatewayRoute must list llm_request_costs under llmRequestCosts, or no token is counted.")
    return Rendered({"resources": [policy], **extra}, notes)


def _resource(kind: str, recommendation: Recommendation, spec: dict[str, Any]) -> dict[str, Any]:
    target = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": GATEWAY}
    return {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": kind,
        "metadata": {
            "name": f"revenuer-{recommendation.id.replace('_', '-')}",
            "annotations": {
                "revenuer/alert": recommendation.alert_id,
                "revenuer/expires-at": recommendation.expires_at,
            },
        },
        "spec": {"targetRefs": [target], **spec},
    }


def _deny(recommendation: Recommendation, name: str) -> dict[str, Any]:
    ids = bound(recommendation)
    rules = [
        {
            "action": "Deny",
            "principal": {"headers": [{"name": name, "values": list(ids[i : i + _MOST_VALUES])}]},
        }
        for i in range(0, len(ids), _MOST_VALUES)
    ]
    return _resource("SecurityPolicy", recommendation, {"authorization": {"defaultAction": "Allow", "rules": rules}})


def _selector(recommendation: Recommendation, name: str, notes: list[str]) -> tuple[dict[str, str], dict[str, Any]]:
    """The header match whose hits share a counter, and what else the gateway must know."""
    ids = bound(recommendation)
    if not shared(recommendation) and len(ids) == 1:
        return {"name": name, "type": "Exact", "value": ids[0]}, {}
    notes.append("Members share one budget: all that the header match hits is one counter.")
    pattern = "^(" + "|".join(_META.sub(r"\\\g<0>", i) for i in ids) + ")$"
    if len(pattern) <= _LONGEST:
        return {"name": name, "type": "RegularExpression", "value": pattern}, {}
    notes.append(
        f"The members are too many for one match ({_LONGEST} characters): the authentication step must set"
        f" {BUDGET_HEADER} as in budget_of_account."
    )
    budget = recommendation.subject.id
    match = {"name": BUDGET_HEADER, "type": "Exact", "value": budget}
    return match, {"budget_of_account": dict.fromkeys(ids, budget)}


def _rule(limit: Limit, header: dict[str, str], notes: list[str]) -> dict[str, Any]:
    seconds, unit = next((s, u) for s, u in _UNITS if s <= max(limit.window_s, 1))
    quota = limit.quota
    if seconds != limit.window_s:
        quota = per_window(limit, seconds)
        notes.append(
            f"Envoy has no window of {limit.window_s} s: {limit.quota} {limit.unit} become {quota} a {unit.lower()}."
        )
    rule: dict[str, Any] = {
        "clientSelectors": [{"headers": [header]}],
        "limit": {"requests": quota, "unit": unit},
        # Without it each route would have a counter of its own.
        "shared": True,
    }
    if limit.unit in _COSTS:
        metadata = {"namespace": "io.envoy.ai_gateway", "key": _COSTS[limit.unit][0]}
        rule["cost"] = {
            "request": {"from": "Number", "number": 0},
            "response": {"from": "Metadata", "metadata": metadata},
        }
    return rule
