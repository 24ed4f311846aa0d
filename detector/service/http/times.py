"""Times in answers: the store counts microseconds, the API says RFC 3339 everywhere."""

from functools import cache
from typing import Any, get_args, get_type_hints

import msgspec

from detector.alerts.store.times import Micros, exact


def shown(value: Any) -> Any:  # noqa: ANN401 - whatever a route gives
    """A value as it is answered: each field that a struct declares as `Micros` is RFC 3339."""
    if isinstance(value, list):
        return [shown(each) for each in value]
    if isinstance(value, dict):
        return {name: shown(each) for name, each in value.items()}
    if not isinstance(value, msgspec.Struct) or not _timed(type(value)):
        return value
    times = _times(type(value))
    fields = {name: getattr(value, name) for name in value.__struct_fields__}
    return {n: exact(v) if n in times and v is not None else shown(v) for n, v in fields.items()}


def shown_schema(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """A JSON Schema of structs as `shown` gives them: msgspec calls every µs an integer."""
    if isinstance(schema, list):
        return [shown_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "integer" and schema.get("format") == "date-time":
        schema = {**schema, "type": "string"}
    return {name: shown_schema(each) for name, each in schema.items()}


@cache
def _times(kind: type[msgspec.Struct]) -> frozenset[str]:
    hints = get_type_hints(kind, include_extras=True)
    return frozenset(name for name, hint in hints.items() if Micros in (hint, *get_args(hint)))


@cache
def _timed(kind: type[msgspec.Struct]) -> bool:
    """Whether a struct or one within it has times; most have none, and go as they are."""
    return bool(_times(kind)) or any(map(_holds, get_type_hints(kind).values()))


def _holds(hint: Any) -> bool:  # noqa: ANN401 - a type
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _timed(hint)
    return any(map(_holds, get_args(hint)))
