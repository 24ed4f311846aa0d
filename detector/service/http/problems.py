"""Errors as `application/problem+json` (RFC 9457); never what the client sent, which may hold prompts."""

import re
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from detector.alerts.store import AwayError
from detector.alerts.store.cursor import CursorError
from detector.service.http.state import BusyError

MEDIA = "application/problem+json"
_JSON: Final = re.compile(r"application/([^/]+\+)?json")


class Problem(msgspec.Struct, omit_defaults=True):
    """What went wrong.

    Attributes:
        title: of the status.
        status: HTTP.
        detail: what to do about it.
        type: always `about:blank`: the status says what kind it is.
        errors: fields that did not fit, as `{where, why}`.
    """

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    errors: list[dict[str, str]] = []


def problem(
    status: int, detail: str, errors: list[dict[str, str]] | None = None, headers: dict[str, str] | None = None
) -> Response:
    """An error as a response."""
    body = msgspec.json.encode(Problem(HTTPStatus(status).phrase, status, detail, errors=errors or []))
    return Response(body, status, headers, MEDIA)


def install(app: FastAPI) -> None:
    """Make every error of an app a problem."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(CursorError, _cursor)
    app.add_exception_handler(BusyError, _busy)
    app.add_exception_handler(AwayError, _away)
    app.add_exception_handler(Exception, _broken)


def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [_said(e, request.headers.get("content-type", "")) for e in error.errors()]
    return problem(422, "The request does not fit what the route takes.", errors)


def _said(error: dict[str, Any], media: str) -> dict[str, str]:
    """What did not fit. A body that is no object most often lacks the header that says what it is."""
    kind = error.get("type")
    if kind == "json_invalid":
        return {"where": f"body, character {error['loc'][-1]}", "why": "This is no JSON."}
    if kind == "model_attributes_type" and error["loc"] == ("body",):
        is_json = _JSON.fullmatch(media.partition(";")[0].strip().lower()) is not None
        return {"where": "body", "why": "Send a JSON object." if is_json else "Send Content-Type: application/json."}
    return {"where": _path(error["loc"]), "why": str(error["msg"])}


def _path(parts: Any) -> str:  # noqa: ANN401 - strings and numbers as pydantic gives them
    return ".".join(str(part) for part in parts)


def _cursor(_request: Request, _error: Exception) -> Response:
    return problem(422, "The cursor was not made by this list; start without one.")


def _busy(_request: Request, _error: Exception) -> Response:
    return problem(503, "The detector is busy; ask again.", headers={"Retry-After": "2"})


def _away(_request: Request, _error: Exception) -> Response:
    return problem(503, "The database does not answer; ask again.", headers={"Retry-After": "2"})


def _broken(_request: Request, _error: Exception) -> Response:
    return problem(500, "Something broke here; the service's log says what.")
