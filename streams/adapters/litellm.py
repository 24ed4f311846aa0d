"""LiteLLM's `StandardLoggingPayload`, as its callbacks and its `generic_api` logger give it.

https://docs.litellm.ai/docs/proxy/logging_spec
"""

from collections.abc import Iterator
from typing import Any, Final

from streams.adapters.base import Adapter, Json, compact
from streams.adapters.casts import CASTS
from streams.adapters.values import at, first, items, mapping, number, said, text, tool_names, whole

_LEGACY: Final = "text_completion"
_OPERATIONS: Final = {"embedding": "embeddings", "text_completion": _LEGACY}
_PARAMETERS: Final = (
    # A proxy logs a parameter as its client wrote it, and some write numbers as text.
    ("temperature", ("temperature",), CASTS["number"]),
    ("top_p", ("top_p",), CASTS["number"]),
    ("n", ("n",), CASTS["integer"]),
    ("max_tokens", ("max_completion_tokens", "max_tokens"), CASTS["integer"]),
)
_FAILED: Final = 500  # status of a failure that has no code


class LiteLLM(Adapter):
    """One payload a record; the account is the key's user, else its team, else the key."""

    name = "litellm"
    fields = frozenset(
        [
            "ts",
            "request_id",
            "account_id",
            "org_id",
            "api_key_id",
            "end_user_id",
            "conversation_id",
            "route",
            "ip",
            "user_agent",
            "model",
            "operation",
            "messages",
            "prompt",
            "tools",
            "stream",
            "response_format",
            "temperature",
            "top_p",
            "n",
            "max_tokens",
            "logprobs",
            "top_logprobs",
            "status",
            "completion",
            "tool_calls",
            "stop_reason",
            "input_tokens",
            "output_tokens",
            "cached_tokens",
            "reasoning_tokens",
            "latency_ms",
        ]
    )

    def recognises(self, record: Json) -> bool:
        """A payload has its start and its call type under these names."""
        return "startTime" in record and "call_type" in record

    def exchanges(self, record: Json) -> Iterator[dict[str, Any]]:
        """The payload as one exchange."""
        yield compact({**self._who(record), **_asked(record), **_answered(record)})

    def _who(self, p: Json) -> dict[str, Any]:
        who = mapping(p.get("metadata"))
        key = text(who.get("user_api_key_hash"))
        guess = first(who.get("user_api_key_user_id"), who.get("user_api_key_team_id"), key)
        return {
            "ts": p.get("startTime"),
            "request_id": p.get("id"),
            "account_id": self.account(p, guess),
            "org_id": who.get("user_api_key_org_id"),
            "api_key_id": key,
            "end_user_id": first(p.get("end_user"), who.get("user_api_key_end_user_id")),
            "conversation_id": first(p.get("session_id")),
            "route": first(who.get("user_api_key_request_route")),
            "ip": first(p.get("requester_ip_address"), who.get("requester_ip_address")),
            "user_agent": first(p.get("user_agent"), who.get("user_agent")),
        }


def _asked(p: Json) -> dict[str, Any]:
    asked, messages = mapping(p.get("model_parameters")), p.get("messages")
    # `acompletion` and the like are the same calls, made without waiting.
    operation = _OPERATIONS.get(str(p.get("call_type")).removeprefix("a"), "chat")
    return {
        "model": p.get("model"),
        "operation": operation,
        "messages": messages if isinstance(messages, list) else None,
        "prompt": messages if isinstance(messages, str) else None,
        "tools": tool_names(asked.get("tools")),
        "stream": CASTS["boolean"](first(p.get("stream"), asked.get("stream"))),
        "response_format": text(first(at(asked, "response_format.type"), asked.get("response_format"))),
        **{name: cast(first(*map(asked.get, spellings))) for name, spellings, cast in _PARAMETERS},
        **_log_probabilities(asked, operation),
    }


def _log_probabilities(asked: Json, operation: str) -> dict[str, Any]:
    """Whether they were asked for, and of how many tokens: legacy completions say both in one number, of which 0 is a yes."""
    said_so, most = asked.get("logprobs"), CASTS["integer"](asked.get("top_logprobs"))
    count = None if isinstance(said_so, bool) else whole(said_so)
    if count is None or (count == 0 and operation != _LEGACY):
        return {"logprobs": CASTS["boolean"](said_so), "top_logprobs": most}
    return {"logprobs": True, "top_logprobs": first(most, count)}


def _answered(p: Json) -> dict[str, Any]:
    start, end = number(p.get("startTime")), number(p.get("endTime"))
    message = at(p, "response.choices.0.message")
    usage = mapping(at(p, "metadata.usage_object"))
    return {
        "status": 200 if p.get("status") == "success" else first(whole(at(p, "error_information.error_code")), _FAILED),
        "completion": said(p.get("response")),
        "tool_calls": len(items(message.get("tool_calls"))) if isinstance(message, dict) else None,
        "stop_reason": text(at(p, "response.choices.0.finish_reason")),
        "input_tokens": p.get("prompt_tokens"),
        "output_tokens": p.get("completion_tokens"),
        "cached_tokens": at(usage, "prompt_tokens_details.cached_tokens"),
        "reasoning_tokens": at(usage, "completion_tokens_details.reasoning_tokens"),
        "latency_ms": 1000 * (end - start) if start is not None and end is not None else None,
    }
