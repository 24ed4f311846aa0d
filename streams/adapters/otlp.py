"""OTLP/JSON: spans and log records with plain attributes, out of one export request.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from streams.adapters.base import Json
from streams.adapters.values import items, mapping, whole

_DEEPEST: Final = 32
_PLAIN: Final = ("stringValue", "boolValue", "doubleValue", "bytesValue")


@dataclass(frozen=True)
class Signal:
    """A span or a log record.

    Attributes:
        raw: it, as OTLP has it.
        attributes: its own over those of its resource.
    """

    raw: Json
    attributes: Json


def spans(request: Json) -> Iterator[Signal]:
    """Spans of an export request."""
    return _signals(request, "resourceSpans", "scopeSpans", "spans")


def logs(request: Json) -> Iterator[Signal]:
    """Log records of an export request."""
    return _signals(request, "resourceLogs", "scopeLogs", "logRecords")


def _signals(request: Json, resources: str, scopes: str, signals: str) -> Iterator[Signal]:
    for resource in map(mapping, items(request.get(resources))):
        common = attributes(mapping(resource.get("resource")).get("attributes"))
        for scope in map(mapping, items(resource.get(scopes))):
            for raw in map(mapping, items(scope.get(signals))):
                yield Signal(raw, {**common, **attributes(raw.get("attributes"))})


def attributes(pairs: object) -> dict[str, object]:
    """Attributes by name."""
    return _pairs(pairs, 0)


def _pairs(pairs: object, depth: int) -> dict[str, object]:
    return {
        pair["key"]: _value(pair.get("value"), depth)
        for pair in map(mapping, items(pairs))
        if isinstance(pair.get("key"), str)
    }


def _value(wrapped: object, depth: int) -> object:
    """What an `AnyValue` holds; None beyond any sane depth."""
    any_value = mapping(wrapped)
    for kind in _PLAIN:
        if kind in any_value:
            return any_value[kind]
    if "intValue" in any_value:
        return whole(any_value["intValue"])
    if depth > _DEEPEST:
        return None
    if "arrayValue" in any_value:
        return [_value(v, depth + 1) for v in items(mapping(any_value["arrayValue"]).get("values"))]
    if "kvlistValue" in any_value:
        return _pairs(mapping(any_value["kvlistValue"]).get("values"), depth + 1)
    return None


def seconds(nanoseconds: object) -> str | None:
    """A time of OTLP as seconds since 1970, to the microsecond; zero is no time."""
    ns = whole(nanoseconds)
    return f"{ns // 1_000_000_000}.{ns % 1_000_000_000 // 1000:06}" if ns else None
