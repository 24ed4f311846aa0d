"""LiteLLM: bodies for the proxy's management API, in the order in which to post them.

Limits sit on virtual keys (`/key/update`); a budget that several keys share sits on a team (`/team/new`) that
they are moved to.
https://docs.litellm.ai/docs/proxy/users
"""

from typing import Any, Final

from detector.alerts.model import Limit, Recommendation
from detector.alerts.render.base import Rendered, bound, per_window, shared

_MINUTE = 60
_FIELDS: Final = {"requests": "rpm_limit", "input_tokens": "tpm_limit", "output_tokens": "tpm_limit"}
_COUNTS: Final = {"input_tokens": "input", "output_tokens": "output"}


def litellm(recommendation: Recommendation) -> Rendered:
    """Calls to the management API."""
    notes = ["An account id is taken for a virtual key, or its hash; where yours are users or teams, map them first."]
    ids, end_user = bound(recommendation), recommendation.subject.kind == "end_user"
    if recommendation.action == "suspend" and end_user:
        calls = [_post("/customer/block", {"user_ids": list(ids)})]
    elif recommendation.action == "suspend":
        calls = [_post("/key/block", {"key": key}) for key in ids]
    elif end_user:
        limits = _limits(recommendation, notes)
        budget = {"budget_id": recommendation.id, **limits}
        customer = {"user_id": recommendation.subject.id, "budget_id": recommendation.id}
        calls = [_post("/budget/new", budget), _post("/customer/update", customer)]
    elif shared(recommendation):
        limits = _limits(recommendation, notes)
        team = {"team_id": recommendation.subject.id, "team_alias": recommendation.id, **limits}
        calls = [_post("/team/new", team)]
        calls += [_post("/key/update", {"key": a, "team_id": recommendation.subject.id}) for a in ids]
        notes.append("Members share one budget through a team of their own: keep each key's team_id to move it back.")
        notes.append("A joiner must be moved to the team too: render again when the alert grows.")
    else:
        limits = _limits(recommendation, notes)
        if len(ids) > 1:
            notes.append("Each key gets its own budget: LiteLLM shares one only within a team.")
        calls = [_post("/key/update", {"key": key, **limits}) for key in ids]
    return Rendered({"calls": calls}, notes)


def _post(path: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"method": "POST", "path": path, "body": body}


def _limits(recommendation: Recommendation, notes: list[str]) -> dict[str, int]:
    out: dict[str, int] = {}
    for limit in recommendation.limits:
        if limit.unit == "concurrent_requests":
            out["max_parallel_requests"] = limit.quota
            continue
        minute = per_window(limit, _MINUTE)
        name = _FIELDS[limit.unit]
        out[name] = min(minute, out.get(name, minute))
        _explain(limit, minute, notes)
    return out


def _explain(limit: Limit, minute: int, notes: list[str]) -> None:
    if limit.window_s != _MINUTE:
        most = minute * limit.window_s // _MINUTE
        notes.append(
            f"LiteLLM counts by the minute: {limit.quota} {limit.unit} in {limit.window_s} s become {minute} a minute,"
            f" which spread evenly allows {most}."
        )
    if limit.unit in _COUNTS:
        notes.append(
            f"tpm_limit counts all tokens unless general_settings.token_rate_limit_type is {_COUNTS[limit.unit]}."
        )
