"""A limit on the size of requests, held while they arrive."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from detector.service.http.problems import problem


class _TooLargeError(HTTPException):
    """More arrived than is allowed. An HTTP error, because FastAPI takes any other one for a broken body."""


class BodyLimit:
    """Refuses bodies that are too large, whatever length they claim to have.

    Args:
        app: behind it.
        most: bytes.
        paths: bytes of the paths with a limit of their own.
    """

    def __init__(self, app: ASGIApp, most: int, paths: Mapping[str, int]) -> None:
        self._app, self._most, self._paths = app, most, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, up to the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._paths.get(scope["path"], self._most)
        detail = f"A request here may have {most} bytes; send it in parts."
        claimed = dict(scope["headers"]).get(b"content-length", b"0")
        if not claimed.isdigit() or int(claimed) > most:
            await problem(413, detail)(scope, receive, send)
            return
        arrived = 0

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > most:
                raise _TooLargeError(413, detail)
            return message

        await self._app(scope, counted, send)
