"""Changes of alerts as server-sent events."""

import time
from collections.abc import AsyncIterator
from typing import Annotated, Final

import anyio
import msgspec
from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from detector.alerts.store import AwayError
from detector.alerts.store.tokens import Token
from detector.service.http.access import Reader, StateDep
from detector.service.http.answer import problems
from detector.service.http.state import State
from detector.service.http.times import shown

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])
_POLL_S: Final = 0.5
_BEAT_S: Final = 15.0
_CHECK_S: Final = 5.0
_EXAMPLE: Final = 'id: 7\nevent: alert\ndata: {"alert_id":"alr_3b9e4d2a5c1f8077","severity":"high","status":"open"}\n\n'
_Since = Annotated[int | None, Query(ge=0, lt=1 << 63, description="Changes after this id; only new ones by default")]
_Last = Annotated[str | None, Header(alias="Last-Event-ID", max_length=20, pattern=r"^\d+$")]


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={200: {"description": "Events", "content": {"text/event-stream": {"example": _EXAMPLE}}}, **problems()},
)
async def stream(state: StateDep, token: Reader, after: _Since = None, last: _Last = None) -> StreamingResponse:
    """Follow the alerts: one event a version, from `after` or `Last-Event-ID` on."""
    start = min(int(last), (1 << 63) - 1) if last is not None else after
    if start is None:
        start = await run_sync(state.store.alerts.latest)
    return StreamingResponse(
        _events(state, start, token), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def _events(state: State, after: int, token: Token) -> AsyncIterator[bytes]:
    yield b"retry: 2000\n\n"
    beat = checked = time.monotonic()
    while not state.stopping.is_set():
        if time.monotonic() - checked > _CHECK_S:
            checked = time.monotonic()
            if not await run_sync(state.store.tokens.alive, token):
                return  # it was revoked or has expired, and whoever stole it must not listen on
        try:
            versions = await run_sync(state.store.alerts.changes, after)
        except AwayError:
            return  # the client comes back, with the last id that it has
        if versions:
            state.lists.outdate()
        for version in versions:
            after = version.id
            yield b"id: %d\nevent: alert\ndata: %s\n\n" % (after, msgspec.json.encode(shown(version)))
        if versions:
            beat = time.monotonic()
            continue
        if time.monotonic() - beat > _BEAT_S:
            beat = time.monotonic()
            yield b": still here\n\n"
        await anyio.sleep(_POLL_S)
