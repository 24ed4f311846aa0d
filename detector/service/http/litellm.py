"""LiteLLM's `StandardLoggingPayload` as an exchange, for its `generic_api` callback."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

_OPERATIONS: Final = {"embedding": "embeddings", "aembedding": "embeddings", "text_completion": "text_completion"}
_PARAMETERS: Final = ("temperature", "top_p", "n", "max_tokens", "logprobs", "top_logprobs", "stream")


def exchange(item: bytes) -> bytes:
    """One element of a posted array as one line; what is no payload of LiteLLM stays as it is."""
    try:
        value = msgspec.json.decode(item)
    except (msgspec.DecodeError, RecursionError):
        return item.replace(b"\n", b" ")
    if not isinstance(value, dict) or "startTime" not in value or "call_type" not in value:
        return item.replace(b"\n", b" ")
    return msgspec.json.encode({k: v for k, v in _fields(value).items() if v is not None})


def _fields(p: dict[str, Any]) -> dict[str, Any]:
    who, asked = _mapping(p.get("metadata")), _mapping(p.get("model_parameters"))
    key = who.get("user_api_key_hash")
    start, end = p.get("startTime"), p.get("endTime")
    timed = isinstance(start, int | float) and isinstance(end, int | float)
    return {
        "ts": start,
        "request_id": p.get("id"),
        "account_id": who.get("user_api_key_user_id") or who.get("user_api_key_team_id") or key,
        "org_id": who.get("user_api_key_org_id"),
        "api_key_id": key,
        "end_user_id": p.get("end_user") or None,
        "model": p.get("model"),
        "operation": _OPERATIONS.get(str(p.get("call_type")), "chat"),
        "status": 200 if p.get("status") == "success" else _status(p),
        "messages": p.get("messages") if isinstance(p.get("messages"), list) else None,
        "prompt": p.get("messages") if isinstance(p.get("messages"), str) else None,
        "completion": _said(p.get("response")),
        "input_tokens": p.get("prompt_tokens"),
        "output_tokens": p.get("completion_tokens"),
        "latency_ms": 1000 * (float(end) - float(start)) if timed else None,  # type: ignore[arg-type]  # both are numbers
        "ip": p.get("requester_ip_address") or who.get("requester_ip_address"),
        **{name: asked.get(name) for name in _PARAMETERS},
    }


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _status(p: dict[str, Any]) -> int:
    code = str(_mapping(p.get("error_information")).get("error_code"))
    return int(code) if code.isdigit() else 500


def _said(response: object) -> str | None:
    if isinstance(response, str):
        return response
    choices = _mapping(response).get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    text = _mapping(_mapping(first).get("message")).get("content")
    return text if isinstance(text, str) else None
