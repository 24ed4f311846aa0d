"""What a request may ask for: a query parameter that no route knows is a mistake, and an older name of one still works."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

OLD_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    path: {"account": "account_id"} for path in ("/v1/alerts", "/v1/allowances", "/v1/allowances/preview")
}
# Anything else may be text, and is not said again.
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
_ALIKE: Final = 0.5


def _known(part: Dependant) -> list[str]:
    """Query parameters of a route and of what it depends on."""
    return [field.alias for field in part.query_params] + [name for each in part.dependencies for name in _known(each)]


async def only_known(request: Request) -> None:
    """A dependency of every route: refuses what the route would pass over.

    Raises:
        RequestValidationError: a query parameter is unknown.
    """
    route = request.scope.get("route")
    if not request.scope["query_string"] or not isinstance(route, APIRoute):
        return
    known = sorted({*_known(route.dependant)})
    wrong = [name for name in request.query_params if name not in known]
    if wrong:
        raise RequestValidationError([{"loc": _place(name), "msg": _why(name, known)} for name in wrong])


def _place(name: str) -> tuple[str, ...]:
    return ("query", name) if _NAME.fullmatch(name) else ("query",)


def _why(name: str, known: Sequence[str]) -> str:
    if not known:
        return "The route takes no query parameters."
    near = get_close_matches(name, known, 1, _ALIKE)
    return f"Unknown; did you mean {near[0]}?" if near else f"Unknown; the route takes {', '.join(known)}."


class OldNames:
    """Gives query parameters the name that they have now, where only the older one is there.

    Args:
        app: behind it.
        paths: old names and new ones, by path.
    """

    def __init__(self, app: ASGIApp, paths: Mapping[str, Mapping[str, str]]) -> None:
        self._app, self._paths = app, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        names = self._paths.get(scope["path"]) if scope["type"] == "http" else None
        if names and scope["query_string"]:
            # In its place: what stands around reads from the same scope which route it was.
            scope["query_string"] = _renamed(scope["query_string"], names)
        await self._app(scope, receive, send)


def _renamed(query: bytes, names: Mapping[str, str]) -> bytes:
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    there = {name for name, _ in pairs}
    if not there & names.keys():
        return query
    return urlencode([(k if names.get(k, k) in there else names.get(k, k), v) for k, v in pairs]).encode()
