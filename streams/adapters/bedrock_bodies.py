"""Bodies that Bedrock logs: Converse's own shape, Anthropic's, Titan's, and what the others share with them."""

from collections.abc import Mapping
from typing import Any, Final

from streams.adapters.base import compact
from streams.adapters.values import at, first, items, mapping, said, text, tool_names, unpacked, whole

_SAMPLING: Final = {
    "temperature": ("inferenceConfig.temperature", "textGenerationConfig.temperature", "temperature"),
    "top_p": ("inferenceConfig.topP", "textGenerationConfig.topP", "top_p"),
    "max_tokens": (
        "inferenceConfig.maxTokens",
        "textGenerationConfig.maxTokenCount",
        "max_tokens",
        "max_tokens_to_sample",
        "max_gen_len",
    ),
}
_EMBEDS: Final = ("embedding", "embeddings", "embeddingsByType")


def request(body: object) -> dict[str, Any]:
    """Fields of a request body."""
    sent = mapping(unpacked(body))
    messages = [_message(mapping(m)) for m in items(sent.get("messages"))]
    tools = first(at(sent, "toolConfig.tools"), sent.get("tools"))
    return compact(
        {
            "messages": messages or None,
            "system_prompt": said(sent.get("system")),
            "prompt": None if messages else text(first(sent.get("prompt"), sent.get("inputText"), sent.get("message"))),
            "tools": tool_names(tools),
            **{name: first(*(at(sent, path) for path in paths)) for name, paths in _SAMPLING.items()},
        }
    )


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message with typed parts: Converse tells the kind of a part by its key."""
    content = message.get("content")
    parts = content if isinstance(content, str) else [_part(mapping(p)) for p in items(content)]
    return {"role": text(message.get("role")), "content": parts}


def _part(part: Mapping[str, Any]) -> Mapping[str, Any]:
    if "toolResult" in part:
        return {"type": "tool_result"}
    if "type" not in part and "text" in part:
        return {"type": "text", "text": part["text"]}
    return part


def answer(body: object) -> dict[str, Any]:
    """Fields of an answer's body; a streamed answer is the list of its events."""
    got = unpacked(body)
    return _streamed(got) if isinstance(got, list) else _whole(mapping(got))


def _whole(got: Mapping[str, Any]) -> dict[str, Any]:
    result = mapping(at(got, "results.0"))  # Titan
    message = mapping(at(got, "output.message"))  # Converse
    content = first(message.get("content"), got.get("content"))
    words = first(said(content), result.get("outputText"), said(got))
    usage = mapping(got.get("usage"))
    return compact(
        {
            "completion": text(words),
            "tool_calls": _calls(content) if isinstance(content, list) else None,
            "stop_reason": text(
                first(
                    got.get("stopReason"),
                    got.get("stop_reason"),
                    result.get("completionReason"),
                    got.get("finish_reason"),
                )
            ),
            "input_tokens": first(
                whole(first(usage.get("inputTokens"), usage.get("input_tokens"))), got.get("inputTextTokenCount")
            ),
            "output_tokens": first(
                whole(first(usage.get("outputTokens"), usage.get("output_tokens"))), result.get("tokenCount")
            ),
            "latency_ms": at(got, "metrics.latencyMs"),
            "operation": "embeddings" if any(name in got for name in _EMBEDS) else None,
        }
    )


def _calls(content: list[Any]) -> int:
    return sum("toolUse" in part or part.get("type") == "tool_use" for part in map(mapping, content))


def _streamed(events: list[Any]) -> dict[str, Any]:
    words: list[str] = []
    calls, found = 0, {}
    for event in map(mapping, events):
        words += filter(None, [text(_delta(event))])
        calls += _starts_call(event)
        found.update(compact(_facts(event)))
    return compact({"completion": "".join(words) or None, "tool_calls": calls, **found})


def _delta(event: Mapping[str, Any]) -> object:
    """Text that an event adds: of Converse and of Anthropic, then of Titan and others that name it plainly."""
    return first(
        at(event, "contentBlockDelta.delta.text"),
        at(event, "delta.text"),
        event.get("outputText"),
        event.get("completion"),
        event.get("generation"),
    )


def _starts_call(event: Mapping[str, Any]) -> bool:
    return at(event, "contentBlockStart.start.toolUse") is not None or at(event, "content_block.type") == "tool_use"


def _facts(event: Mapping[str, Any]) -> dict[str, Any]:
    measured = mapping(event.get("amazon-bedrock-invocationMetrics"))
    return {
        "stop_reason": text(
            first(
                at(event, "messageStop.stopReason"),
                at(event, "delta.stop_reason"),
                event.get("completionReason"),
                event.get("stop_reason"),
            )
        ),
        "input_tokens": first(
            at(event, "metadata.usage.inputTokens"),
            measured.get("inputTokenCount"),
            at(event, "message.usage.input_tokens"),
        ),
        "output_tokens": first(
            at(event, "metadata.usage.outputTokens"), measured.get("outputTokenCount"), at(event, "usage.output_tokens")
        ),
        "latency_ms": first(at(event, "metadata.metrics.latencyMs"), measured.get("invocationLatency")),
    }
