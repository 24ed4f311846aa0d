"""OpenAI- and Anthropic-shaped `messages`: they give the prompts and counts that a record does not give itself."""

from typing import Any, NamedTuple

import msgspec
import polars as pl

from streams.exchange import MESSAGES

_SYSTEM = ("system", "developer")


def _text(content: object) -> str | None:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [p.get("text") for p in content if isinstance(p, dict) and p.get("type") in ("text", "input_text")]
        texts = [t for t in parts if isinstance(t, str)]
        return "\n".join(texts) if texts else None
    return None


def _is_tool_result(message: dict[str, Any]) -> bool:
    if message.get("role") in ("tool", "function"):
        return True
    content = message.get("content")
    return isinstance(content, list) and any(isinstance(p, dict) and p.get("type") == "tool_result" for p in content)


class MessagesError(ValueError):
    """Messages that are no list of messages; its text is the reason code."""


class Summary(NamedTuple):
    """What messages say: prompt, system prompt, turns without the system prompt, tool results among them."""

    prompt: str | None
    system_prompt: str | None
    n_messages: int
    n_tool_results: int


def read_messages(text: str) -> Summary:
    """Read a JSON list of messages, or a JSON string that holds one.

    Raises:
        MessagesError: `wrong_type` or `too_deep`.
    """
    try:
        value = msgspec.json.decode(text.encode())
        if isinstance(value, str):
            value = msgspec.json.decode(value.encode())
    except RecursionError as error:
        raise MessagesError("too_deep") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise MessagesError("wrong_type") from error
    if not isinstance(value, list):
        raise MessagesError("wrong_type")
    messages = [m for m in value if isinstance(m, dict)]
    system = [t for m in messages if m.get("role") in _SYSTEM and (t := _text(m.get("content"))) is not None]
    turns = [m for m in messages if m.get("role") not in _SYSTEM]
    user = [t for m in turns if m.get("role") == "user" and (t := _text(m.get("content"))) is not None]
    results = sum(_is_tool_result(m) for m in turns)
    return Summary(user[-1] if user else None, "\n".join(system) if system else None, len(turns), results)


def fill_from_messages(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
    """Fill prompt, system prompt and counts where they are absent, and drop the messages.

    Returns:
        The frame, and (row, reason) of each record whose messages cannot be read.
    """
    summaries: list[Summary | None] = []
    bad: list[tuple[int, str]] = []
    for row, text in enumerate(frame.get_column(MESSAGES)):
        try:
            summaries.append(None if text is None else read_messages(text))
        except MessagesError as error:
            summaries.append(None)
            bad.append((row, str(error)))
    types: dict[str, pl.DataType] = {n: pl.String() if "prompt" in n else pl.Int64() for n in Summary._fields}
    columns = {
        name: pl.Series(name, [None if s is None else s[i] for s in summaries], dtype=dtype)
        for i, (name, dtype) in enumerate(types.items())
    }
    filled = [
        (frame[name].zip_with(frame[name].is_not_null(), column) if name in frame.columns else column).alias(name)
        for name, column in columns.items()
    ]
    return frame.drop(MESSAGES).with_columns(filled), bad
