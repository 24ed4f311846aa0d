"""The app: routes, errors, limits and the OpenAPI document around one state."""

from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.staticfiles import StaticFiles
from starlette.responses import RedirectResponse

from detector.service.console import FOLDER, words
from detector.service.http import answer, problems
from detector.service.http.asked import OLD_NAMES, OldNames, only_known
from detector.service.http.bounds import BodyLimit
from detector.service.http.guard import Guard
from detector.service.http.routers import ROUTERS
from detector.service.http.state import State

_TITLE = "Revenuer"
_ABOUT = "Finds distillation attacks on model APIs: alerts, evidence, actions. Errors are `application/problem+json`."


def make_app(state: State) -> FastAPI:
    """An ASGI app over a state; several in one process do not share anything."""
    # The shipped documentation pages fetch scripts from elsewhere: the document itself is enough.
    app = FastAPI(
        title=_TITLE,
        version=version("revenuer"),
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(only_known)],
    )
    app.state.revenuer = state
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]  # FastAPI's documented way
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.add_api_route("/", _home, include_in_schema=False, response_class=RedirectResponse)
    # Before the folder, which would answer for it.
    app.add_api_route("/console/words.js", _words, include_in_schema=False)
    app.mount("/console", StaticFiles(directory=FOLDER, html=True), name="console")
    app.add_middleware(OldNames, paths=OLD_NAMES)
    app.add_middleware(BodyLimit, most=state.limits.body, paths={"/v1/ingest": state.limits.ingest})
    app.add_middleware(Guard, metrics=state.metrics)
    return app


def _home() -> Response:
    return RedirectResponse("/console/")


def _words() -> Response:
    return Response(words(), media_type="text/javascript")


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=_ABOUT, routes=app.routes, openapi_version="3.1.0"
        )
        made.setdefault("components", {}).setdefault("schemas", {}).update(answer.schemas())
        for path in made["paths"].values():
            for operation in path.values():
                _tidy(operation)
        app.openapi_schema = made
    return app.openapi_schema


def _tidy(operation: dict[str, Any]) -> None:
    """What FastAPI says by itself, where a route says it better."""
    for parameter in operation.get("parameters", []):
        shape = parameter["schema"]
        # A parameter is there or not; it cannot be null.
        some = [kind for kind in shape.pop("anyOf", []) if kind != {"type": "null"}]
        shape.update(some[0] if some else {})
    said = operation["responses"]
    if "200" in said and any(code in said for code in ("201", "202", "204")):
        del said["200"]
    for response in said.values():
        for media in response.get("content", {}).values():
            answer.exemplify(media)
    refusal = said.get("422", {}).get("content", {})
    refusal.pop("application/json", None)
