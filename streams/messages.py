"""OpenAI- and Anthropic-shaped `messages`: they give the prompts and counts that a record does not give itself."""

from typing import Any

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


def read_messages(text: str) -> tuple[str | None, str | None, int | None, int | None]:
    """Prompt, system prompt, turns and tool results of a JSON list of messages; all null where it is none."""
    try:
        value = msgspec.json.decode(text.encode())
        if isinstance(value, str):
            value = msgspec.json.decode(value.encode())
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None, None, None, None
    if not isinstance(value, list):
        return None, None, None, None
    messages = [m for m in value if isinstance(m, dict)]
    system = [t for m in messages if m.get("role") in _SYSTEM and (t := _text(m.get("content"))) is not None]
    turns = [m for m in messages if m.get("role") not in _SYSTEM]
    user = [t for m in turns if m.get("role") == "user" and (t := _text(m.get("content"))) is not None]
    results = sum(_is_tool_result(m) for m in turns)
    return (user[-1] if user else None), ("\n".join(system) if system else None), len(turns), results


def fill_from_messages(frame: pl.DataFrame) -> pl.DataFrame:
    """Fill prompt, system prompt and counts where they are absent, and drop the messages."""
    texts = frame.get_column(MESSAGES)
    rows = [read_messages(t) if t is not None else (None, None, None, None) for t in texts]
    names = ("prompt", "system_prompt", "n_messages", "n_tool_results")
    types = (pl.String, pl.String, pl.Int64, pl.Int64)
    columns = [
        pl.Series(f"_{name}", [row[i] for row in rows], dtype=dtype)
        for i, (name, dtype) in enumerate(zip(names, types, strict=True))
    ]
    frame = frame.drop(MESSAGES).with_columns(columns)
    filled = [
        pl.coalesce(name, f"_{name}").alias(name) if name in frame.columns else pl.col(f"_{name}").alias(name)
        for name in names
    ]
    return frame.with_columns(filled).drop([f"_{name}" for name in names])
