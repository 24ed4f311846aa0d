"""Finding one's way in foreign JSON: every function takes any value and raises nothing."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

_MOST: Final = 1 << 63
_DIGITS: Final = 20  # of a 64-bit number with its sign
_KEPT: Final = 1 << 18  # characters of a text that is remembered
_DEEPEST: Final = 32  # of nested contents that are followed
_SAYS: Final = (None, "message", "completion", "text", "input_text", "output_text")  # types of what has words
_WRAPS: Final = ("message", "content", "text", "output", "outputText", "completion", "generation")


def mapping(value: object) -> Mapping[str, Any]:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """A list, or an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str | None:
    """Text, a whole number as text, or None; empty is None."""
    if isinstance(value, str):
        return value or None
    return None if whole(value) is None or not isinstance(value, int) else str(value)


def number(value: object) -> float | None:
    """A number, also one written as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def whole(value: object) -> int | None:
    """A whole number of 64 bits, also one written as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if -_MOST <= value < _MOST else None
    if isinstance(value, str) and len(value) <= _DIGITS and value.isascii() and value.removeprefix("-").isdigit():
        return whole(int(value))  # nanoseconds since 1970 are more than a float can hold
    found = number(value)
    return whole(int(found)) if found is not None and found.is_integer() else None


def unpacked(value: object) -> object:
    """JSON that was written as text, read; all else as it is. Not to be changed: it may be handed out again."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    return _decoded(value) if len(value) <= _KEPT else _decoded.__wrapped__(value)


@lru_cache(maxsize=4)  # several fields of a record come from the same text
def _decoded(written: str) -> object:
    try:
        return msgspec.json.decode(written)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return written


def first(*values: object) -> Any:  # noqa: ANN401 - one of them, whatever they are
    """The first value that is there and not empty text."""
    for value in values:
        if value is not None and value != "":
            return value
    return None


def at(value: object, path: str) -> object:
    """Value at a dotted path, or None.

    Keys may hold dots themselves: the longest key that is there is taken. A number is a place in a list, from the end where negative;
    `*` is the first key or place below which there is something. JSON written as text is read on the way.
    """
    value = unpacked(value)
    if isinstance(value, dict):
        for key, rest in _ways(path):
            inner = value.get(key)
            if inner is not None:
                found = at(inner, rest) if rest else inner
                if found is not None:
                    return found
        return _below(value.values(), path)
    return _in_list(value, path) if isinstance(value, list) else None


@lru_cache(maxsize=4096)
def _ways(path: str) -> tuple[tuple[str, str], ...]:
    """A path cut into a key and the rest, at every dot from the last to the first."""
    parts = path.split(".")
    return tuple((".".join(parts[:size]), ".".join(parts[size:])) for size in range(len(parts), 0, -1))


def _in_list(value: list[Any], path: str) -> object:
    place, rest = _ways(path)[-1]
    if place.removeprefix("-").isdecimal() and -len(value) <= int(place) < len(value):
        inner = value[int(place)]
        return at(inner, rest) if rest else inner
    return _below(value, path)


def _below(values: Iterable[object], path: str) -> object:
    place, rest = _ways(path)[-1]
    if place != "*":
        return None
    found = (at(inner, rest) if rest else inner for inner in values)
    return next((f for f in found if f is not None), None)


def said(value: object) -> str | None:
    """The words in an answer or a message, however it is wrapped: choices, message, content, parts, or plain text."""
    return _said(unpacked(value), 0)


def _said(value: object, depth: int) -> str | None:
    if isinstance(value, str):
        return value or None
    if depth > _DEEPEST:
        return None
    if isinstance(value, list):
        found = [t for part in value if (t := _said(part, depth + 1)) is not None]
        return "\n".join(found) or None
    return _said_in(value, depth) if isinstance(value, dict) else None


def _said_in(value: Mapping[str, Any], depth: int) -> str | None:
    if "choices" in value:
        return _said(first(*items(value["choices"])), depth + 1)
    if value.get("type") not in _SAYS:
        return None
    inner = (_said(value[key], depth + 1) for key in _WRAPS if key in value)
    return next((words for words in inner if words is not None), None)


def tool_names(value: object) -> list[str] | None:
    """Names of tools that are offered, in any of the shapes that APIs have for them."""
    tools = items(unpacked(value))
    found = [
        text(
            first(
                mapping(mapping(tool).get("function")).get("name"),
                mapping(mapping(tool).get("toolSpec")).get("name"),
                mapping(tool).get("name"),
            )
        )
        for tool in tools
    ]
    return [name for name in found if name is not None] or None
