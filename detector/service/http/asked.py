"""What a request may ask for: a query parameter that no route knows is a mistake."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

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
