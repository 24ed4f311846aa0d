"""Casts of a field map: a foreign value as the contract has it; what does not fit stays as it is, to be refused with its reason."""

from collections.abc import Callable, Mapping
from typing import Final

from streams.adapters.values import items, mapping, number, said, text, tool_names, unpacked, whole

Cast = Callable[[object], object]


def _or_as_it_is(read: Callable[[object], object]) -> Cast:
    def cast(value: object) -> object:
        found = read(value)
        return value if found is None else found

    return cast


def _seconds(per_second: int) -> Cast:
    def cast(value: object) -> object:
        found = whole(value)
        if found is None:
            precise = number(value)
            return value if precise is None else precise / per_second
        return f"{found // per_second}.{found % per_second * (1_000_000 // min(per_second, 1_000_000)):06}"

    return cast


def _nanoseconds(value: object) -> object:
    found = whole(value)
    return value if found is None else f"{found // 1_000_000_000}.{found % 1_000_000_000 // 1000:06}"


def _boolean(value: object) -> object:
    known = {"true": True, "1": True, "false": False, "0": False}
    return known.get(str(value).lower(), value) if isinstance(value, str | int) else value


def _times(factor: float) -> Cast:
    def cast(value: object) -> object:
        found = number(value)
        return value if found is None else found * factor

    return cast


def _strings(value: object) -> object:
    found = unpacked(value)
    return [t for v in items(found) if (t := text(v)) is not None] if isinstance(found, list) else found


def _count(value: object) -> object:
    found = unpacked(value)
    return len(found) if isinstance(found, list) else None


def _first_word(value: object) -> object:
    """`192.0.2.1, 192.0.2.2` and `192.0.2.1:4711` name one client address."""
    named = text(value)
    if named is None:
        return None
    named = named.split(",")[0].strip()
    if named.startswith("["):
        return named[1:].partition("]")[0]
    return named.partition(":")[0] if named.count(":") == 1 else named


def _messages(value: object) -> object:
    """Messages of a request's body, or a body that is the list itself."""
    found = unpacked(value)
    inner = mapping(found).get("messages", found)
    return inner if isinstance(inner, list) and all(isinstance(m, dict) for m in inner) else None


def _prompt(value: object) -> object:
    """Words that stand for themselves; a list of messages says who said what, and is no prompt."""
    return None if _messages(value) else said(value)


CASTS: Final[Mapping[str, Cast]] = {
    "string": _or_as_it_is(text),
    "integer": _or_as_it_is(whole),
    "number": _or_as_it_is(number),
    "boolean": _boolean,
    "strings": _strings,
    "milliseconds": _seconds(1_000),  # since 1970, as `ts`
    "microseconds": _seconds(1_000_000),
    "nanoseconds": _nanoseconds,
    "seconds_to_ms": _times(1_000.0),  # durations
    "text": said,
    "messages": _messages,
    "prompt": _prompt,
    "tool_names": tool_names,
    "count": _count,
    "address": _first_word,
}
