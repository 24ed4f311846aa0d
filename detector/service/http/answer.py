"""JSON answers from msgspec structs, and the same structs in the OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from fastapi import Response

from detector.service.http.problems import MEDIA, Problem
from detector.service.http.times import shown, shown_schema

JSON: Final = "application/json"
_REF: Final = "#/components/schemas/{name}"

_SAID: Final = {
    401: "No valid token",
    403: "The token lacks the scope",
    404: "Not found",
    409: "It does not fit what is there",
    412: "It changed meanwhile",
    413: "Too large",
    415: "Unknown encoding",
    422: "Not understood",
    429: "Too many requests",
    501: "Not available here",
    503: "Busy; try again",
}
Responses = dict[int | str, dict[str, Any]]


def json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(msgspec.json.encode(shown(value)), status, dict(headers or {}), JSON)


def gives(shape: Any, example: object, *errors: int, status: int = 200, said: str = "Done") -> Responses:  # noqa: ANN401 - a struct's class, or a list of one
    """Responses of a route for the OpenAPI document.

    Args:
        shape: type of the body.
        example: one of it.
        errors: statuses of problems beside 401, 403, 422, 429 and 503.
        status: of success.
        said: what success means.
    """
    (schema,), parts = msgspec.json.schema_components([shape], ref_template=_REF)
    schema, parts = shown_schema(schema), shown_schema(parts)
    _schemas.update(parts)
    _examples[msgspec.json.encode(schema)] = msgspec.to_builtins(shown(example))
    out: Responses = {status: {"description": said, "content": {JSON: {"schema": schema}}}}
    return out | problems(*errors)


def problems(*errors: int) -> Responses:
    """Responses of what can go wrong."""
    return {
        status: {
            "description": _SAID[status],
            "content": {MEDIA: {"schema": {"$ref": _REF.format(name="Problem")}}},
        }
        for status in sorted({401, 403, 422, 429, 503, *errors})
    }


_schemas: dict[str, Any] = dict(msgspec.json.schema_components([Problem], ref_template=_REF)[1])
_examples: dict[bytes, Any] = {}


def schemas() -> dict[str, Any]:
    """Components of all structs that routes give."""
    return dict(_schemas)


def exemplify(media: dict[str, Any]) -> None:
    """Put the example of a struct beside its schema: FastAPI drops the nulls of those that it is given."""
    example = _examples.get(msgspec.json.encode(media.get("schema")))
    if example is not None:
        media["example"] = example
