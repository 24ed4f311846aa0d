"""OpenTelemetry's GenAI spans and `gen_ai.client.inference.operation.details` events, under their old and their new names.

https://opentelemetry.io/docs/specs/semconv/gen-ai/
"""

from collections.abc import Iterator
from typing import Any, Final

from streams.adapters import genai_messages, otlp
from streams.adapters.base import Adapter, Json, compact
from streams.adapters.values import first, items, text, tool_names, whole

DETAILS: Final = "gen_ai.client.inference.operation.details"
_OPERATIONS: Final = {
    "chat": "chat",
    "generate_content": "chat",
    "text_completion": "text_completion",
    "embeddings": "embeddings",
}
_ERROR: Final = (2, "STATUS_CODE_ERROR")
_FAILED: Final = 500  # status of a failure that has no code
# `error.type` is a code or the class of what a client raised; OpenAI's and Anthropic's classes have these names.
_RAISED: Final = {
    "BadRequestError": 400,
    "AuthenticationError": 401,
    "PermissionDeniedError": 403,
    "NotFoundError": 404,
    "APITimeoutError": 408,
    "ConflictError": 409,
    "UnprocessableEntityError": 422,
    "RateLimitError": 429,
}
# Each field under its names, the newest first.
_NAMES: Final = {
    "model": ("gen_ai.request.model", "gen_ai.response.model"),
    "conversation_id": ("gen_ai.conversation.id", "session.id"),
    "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    "cached_tokens": ("gen_ai.usage.cache_read.input_tokens",),
    "reasoning_tokens": ("gen_ai.usage.reasoning.output_tokens",),
    "temperature": ("gen_ai.request.temperature",),
    "top_p": ("gen_ai.request.top_p",),
    "n": ("gen_ai.request.choice.count",),
    "max_tokens": ("gen_ai.request.max_tokens",),
    "stream": ("gen_ai.request.stream",),
    "response_format": ("gen_ai.output.type", "gen_ai.openai.request.response_format"),
    "ip": ("client.address",),
    "user_agent": ("user_agent.original",),
}


class OTel(Adapter):
    """Every model call of an export request; spans of other things are passed over.

    No convention says who is answerable for a call: the account is `enduser.id`, `user.id` or the configured attribute, of
    the signal or of its resource.
    """

    name = "otel"
    fields = frozenset(
        [
            "ts",
            "request_id",
            "account_id",
            "operation",
            "status",
            "messages",
            "system_prompt",
            "completion",
            "tool_calls",
            "tools",
            "stop_reason",
            "latency_ms",
        ]
    ) | frozenset(_NAMES)

    def recognises(self, record: Json) -> bool:
        """An export request of spans or of log records."""
        return "resourceSpans" in record or "resourceLogs" in record

    def exchanges(self, record: Json) -> Iterator[dict[str, Any]]:
        """Calls told by spans, then those told by events."""
        for span in otlp.spans(record):
            if _is_call(span.attributes):
                start, end = whole(span.raw.get("startTimeUnixNano")), whole(span.raw.get("endTimeUnixNano"))
                took = (end - start) / 1e6 if start and end else None
                yield self._exchange(span, otlp.seconds(start), took)
        for log in otlp.logs(record):
            if first(log.raw.get("eventName"), log.attributes.get("event.name")) == DETAILS:
                # Some SDKs leave the time out; the moment of sight is the end of the call.
                time = otlp.seconds(log.raw.get("timeUnixNano")) or otlp.seconds(log.raw.get("observedTimeUnixNano"))
                yield self._exchange(log, time, None)

    def _exchange(self, signal: otlp.Signal, ts: str | None, took: float | None) -> dict[str, Any]:
        a = signal.attributes
        said = genai_messages.read(a, signal.raw)
        reasons = a.get("gen_ai.response.finish_reasons")
        return compact(
            {
                "ts": ts,
                "request_id": text(first(a.get("gen_ai.response.id"), signal.raw.get("spanId"))),
                "account_id": self.account(a, first(a.get("enduser.id"), a.get("user.id"))),
                "operation": _OPERATIONS.get(str(a.get("gen_ai.operation.name")), "chat"),
                "status": _status(signal),
                "messages": said.messages,
                "system_prompt": said.system,
                "completion": said.completion,
                "tool_calls": said.tool_calls,
                "tools": tool_names(a.get("gen_ai.tool.definitions")),
                "stop_reason": text(first(*items(reasons))) or text(reasons),
                "latency_ms": took,
                **{field: first(*(a.get(name) for name in names)) for field, names in _NAMES.items()},
            }
        )


def _is_call(a: Json) -> bool:
    operation = a.get("gen_ai.operation.name")
    if operation is None:
        return "gen_ai.request.model" in a  # before the operation had a name of its own
    return operation in _OPERATIONS if isinstance(operation, str) else False


def _status(signal: otlp.Signal) -> int:
    a, told = signal.attributes, signal.raw.get("status")
    failed = "error.type" in a or (isinstance(told, dict) and told.get("code") in _ERROR)
    if not failed:
        return 200
    raised = str(a.get("error.type")).rpartition(".")[2]
    return whole(first(a.get("http.response.status_code"), a.get("error.type"))) or _RAISED.get(raised, _FAILED)
