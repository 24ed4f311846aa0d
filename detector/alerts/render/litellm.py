"""LiteLLM: bodies for the proxy's management API, in the order in which to post them.

What an account is there, the setting `litellm_account` says: an internal user (`/user/update`), a team (`/team/update`,
`/team/block`) or a virtual key (`/key/update`, `/key/block`). A budget that several keys share sits on a team (`/team/new`)
that they are moved to; users and teams cannot share one. No call blocks an internal user: `/customer/block` is about end users.
https://docs.litellm.ai/docs/proxy/users
"""

from typing import Any, Final, Literal

from detector.alerts.model import Limit, Recommendation
from detector.alerts.render.base import Rendered, bound, per_window, shared

AccountIs = Literal["user", "team", "key"]
_MINUTE = 60
_FIELDS: Final = {"requests": "rpm_limit", "input_tokens": "tpm_limit", "output_tokens": "tpm_limit"}
_COUNTS: Final = {"input_tokens": "input", "output_tokens": "output"}
_ID: Final = {"user": "user_id", "team": "team_id", "key": "key"}
_TAKEN: Final[dict[AccountIs, str]] = {
    "user": "An account id is taken for an internal user's id",
    "team": "An account id is taken for a team's id",
    "key": "An account id is taken for a virtual key, or its hash",
}
# All requests of all keys of the user: a limit of nothing lets none through.
_NOTHING: Final = {"rpm_limit": 0, "tpm_limit": 0}


def litellm(recommendation: Recommendation, account_is: AccountIs = "user") -> Rendered:
    """Calls to the management API.

    Args:
        recommendation: to enforce.
        account_is: what an account id is at the proxy.
    """
    kind = recommendation.subject.kind
    if kind == "end_user":
        return _end_user(recommendation)
    notes: list[str] = []
    if kind == "api_key":
        notes.append("The key is taken for a virtual key, or its hash.")
        account_is = "key"
    else:
        notes.append(
            f"{_TAKEN[account_is]} (setting litellm_account); where yours is something else, the calls bind nobody."
        )
    if recommendation.action == "suspend":
        return Rendered({"calls": _suspending(bound(recommendation), account_is, notes)}, notes)
    if account_is == "key" and shared(recommendation):
        calls = _as_team(recommendation, notes)
    else:
        calls = _each(recommendation, account_is, notes)
    return Rendered({"calls": calls} if calls else {}, notes)


def _end_user(recommendation: Recommendation) -> Rendered:
    notes: list[str] = []
    if recommendation.action == "suspend":
        calls = [_post("/customer/block", {"user_ids": list(bound(recommendation))})]
    else:
        budget = {"budget_id": recommendation.id, **_limits(recommendation, notes)}
        customer = {"user_id": recommendation.subject.id, "budget_id": recommendation.id}
        calls = [_post("/budget/new", budget), _post("/customer/update", customer)]
    return Rendered({"calls": calls}, notes)


def _suspending(ids: tuple[str, ...], account_is: AccountIs, notes: list[str]) -> list[dict[str, Any]]:
    if account_is != "user":
        return [_post(f"/{account_is}/block", {_ID[account_is]: each}) for each in ids]
    notes.append(
        "LiteLLM has no call that blocks an internal user (/customer/block is about end users): limits of 0 refuse what their keys"
        " ask. Keep each user's limits to give them back; to block for good, send /key/block for each key that /user/info lists."
    )
    return [_post("/user/update", {"user_id": each, **_NOTHING}) for each in ids]


def _as_team(recommendation: Recommendation, notes: list[str]) -> list[dict[str, Any]]:
    """Keys that are moved to a team of their own, for one budget."""
    team = {"team_id": recommendation.subject.id, "team_alias": recommendation.id, **_limits(recommendation, notes)}
    calls = [_post("/team/new", team)]
    calls += [_post("/key/update", {"key": a, "team_id": recommendation.subject.id}) for a in bound(recommendation)]
    notes.append("Members share one budget through a team of their own: keep each key's team_id to move it back.")
    notes.append("A joiner must be moved to the team too: render again when the alert grows.")
    return calls


def _each(recommendation: Recommendation, account_is: AccountIs, notes: list[str]) -> list[dict[str, Any]]:
    """Limits of its own for each account."""
    ids = bound(recommendation)
    among = len(ids) if shared(recommendation) else 1
    limits = _limits(recommendation, notes, among, parallel=account_is == "key")
    if among > 1:
        notes.append(
            f"LiteLLM lets no {account_is}s share a budget: each of the {among} members gets an equal share of it, one a minute at"
            " least. A joiner makes the shares smaller: render again when the alert grows."
        )
    elif len(ids) > 1:
        notes.append(f"Each {account_is} gets its own budget: LiteLLM shares one only within a team.")
    return [_post(f"/{account_is}/update", {_ID[account_is]: each, **limits}) for each in ids] if limits else []


def _post(path: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"method": "POST", "path": path, "body": body}


def _limits(
    recommendation: Recommendation, notes: list[str], among: int = 1, *, parallel: bool = True
) -> dict[str, int]:
    """Limits by the minute, of each of those who divide them; `parallel`: whether the proxy counts what runs at once."""
    out: dict[str, int] = {}
    for limit in recommendation.limits:
        if limit.unit == "concurrent_requests":
            if parallel:
                out["max_parallel_requests"] = limit.quota
            else:
                notes.append(f"LiteLLM counts parallel requests by key only: {limit.quota} at once is left out.")
            continue
        minute = per_window(limit, _MINUTE, among)
        name = _FIELDS[limit.unit]
        out[name] = min(minute, out.get(name, minute))
        _explain(limit, minute, notes, among)
    return out


def _explain(limit: Limit, minute: int, notes: list[str], among: int) -> None:
    if limit.window_s != _MINUTE or among > 1:
        most = among * minute * limit.window_s // _MINUTE
        each = f" for each of {among}" if among > 1 else ""
        notes.append(
            f"LiteLLM counts by the minute: {limit.quota} {limit.unit} in {limit.window_s} s become {minute} a minute{each},"
            f" which spread evenly allows {most}."
        )
    if limit.unit in _COUNTS:
        notes.append(
            f"tpm_limit counts all tokens unless general_settings.token_rate_limit_type is {_COUNTS[limit.unit]}."
        )
