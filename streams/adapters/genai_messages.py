"""Messages of OpenTelemetry's GenAI conventions, in the four places where they have been."""

import re
from dataclasses import dataclass
from typing import Any, Final

from streams.adapters.base import Json
from streams.adapters.otlp import attributes
from streams.adapters.values import first, items, mapping, said, text, unpacked

_FLAT: Final = re.compile(r"gen_ai\.(prompt|completion)\.(\d{1,6})\.(role|content)")


@dataclass(frozen=True)
class Said:
    """What was said in a call.

    Attributes:
        messages: sent, in OpenAI's shape.
        system: instructions given apart from them.
        completion: the answer.
        tool_calls: made in the answer.
    """

    messages: list[dict[str, Any]] | None
    system: str | None
    completion: str | None
    tool_calls: int | None


def read(a: Json, raw: Json) -> Said:
    """What was said, from the attributes of a signal or the events of a span.

    Args:
        a: attributes.
        raw: the signal itself.
    """
    sent = first(a.get("gen_ai.input.messages"), a.get("gen_ai.prompt"))
    answered = first(a.get("gen_ai.output.messages"), a.get("gen_ai.completion"))
    for event in map(mapping, items(raw.get("events"))):  # v1.28 and before, on the span
        told = attributes(event.get("attributes"))
        sent, answered = first(sent, told.get("gen_ai.prompt")), first(answered, told.get("gen_ai.completion"))
    if sent is None and answered is None:  # OpenLLMetry, one attribute a message and key
        sent, answered = _flat(a, "prompt"), _flat(a, "completion")
    messages, answers = _messages(sent), _messages(answered)
    system = _words(unpacked(a.get("gen_ai.system_instructions")))
    texts = [m["content"] for m in answers[:1] if isinstance(m.get("content"), str)]
    calls = sum(m["calls"] for m in answers) if answers else None
    return Said([_openai(m) for m in messages] or None, system, first(*texts), calls)


def _openai(message: dict[str, Any]) -> dict[str, Any]:
    return {"role": message["role"], "content": message["content"]}


def _messages(value: object) -> list[dict[str, Any]]:
    value = unpacked(value)
    if isinstance(value, str) and value:
        return [{"role": "user", "content": value, "calls": 0}]
    listed = value if isinstance(value, list) else [value]
    return [_message(m) for m in listed if isinstance(m, dict)]


def _message(m: dict[str, Any]) -> dict[str, Any]:
    parts = [mapping(p) for p in items(m.get("parts"))]
    kinds = [p.get("type") for p in parts]
    role = text(m.get("role")) or "user"
    if "tool_call_response" in kinds:
        role = "tool"
    content = _words(parts) if parts else said(m.get("content"))
    return {"role": role, "content": content, "calls": kinds.count("tool_call") + len(items(m.get("tool_calls")))}


def _words(value: object) -> str | None:
    """Text of parts, which say `content` where others say `text`; reasoning and tools are no part of what was said."""
    if isinstance(value, str):
        return value or None
    parts = [mapping(p) for p in items(value)]
    found = [
        t for p in parts if p.get("type") in (None, "text") and (t := text(first(p.get("content"), p.get("text"))))
    ]
    return "\n".join(found) or None


def _flat(a: Json, what: str) -> list[dict[str, Any]] | None:
    found: dict[int, dict[str, Any]] = {}
    for name, value in a.items():
        match = _FLAT.fullmatch(name)
        if match and match[1] == what:
            found.setdefault(int(match[2]), {})[match[3]] = value
    return [found[i] for i in sorted(found)] or None
