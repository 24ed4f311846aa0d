"""Ingest: exchanges posted as NDJSON, or as LiteLLM's `generic_api` callback posts them."""

import time
from codecs import BOM_UTF8
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, HTTPException, Request, Response

from detector.service.http import examples
from detector.service.http.access import Feeder, StateDep
from detector.service.http.answer import gives, json
from detector.service.http.body import is_array, lines, unpacked
from detector.service.http.state import Ack, QueueFullError, State, UnwritableError
from streams.decode import Origin

router = APIRouter(prefix="/v1/ingest", tags=["ingest"])
_LINE = '{"ts": 1772000000, "request_id": "r-1", "account_id": "acct-1001", "model": "m-large", "prompt": "…"}'
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-ndjson": {"schema": {"type": "string"}, "example": _LINE},
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}, "example": []},
        },
    }
}


@router.post(
    "",
    status_code=202,
    openapi_extra=_BODY,
    responses=gives(Ack, examples.ACK, 413, 415, 503, status=202, said="Taken"),
)
async def ingest(
    state: StateDep,
    _: Feeder,
    request: Request,
    content_encoding: Annotated[str | None, Header(json_schema_extra={"enum": ["identity", "gzip", "zstd"]})] = None,
) -> Response:
    """Post exchanges, one JSON object a line, or a JSON array of objects.

    The same records may be sent again: they count as duplicates. What cannot be read is counted and stops nothing else.
    """
    body = await request.body()
    return await run_sync(_take, state, body, content_encoding)


def _take(state: State, body: bytes, encoding: str | None) -> Response:
    started = time.perf_counter()
    data = unpacked(body, encoding, state.limits.unpacked).removeprefix(BOM_UTF8)
    origin = Origin("http", 1, state.digest_key)
    # Of an array, every element is asked what it is: it is slow already, and was put together by who knows whom.
    batch = state.format.mixed()(lines(data), origin) if is_array(data) else state.format.reader()(data, origin)
    state.metrics.stage_seconds.labels("decode").observe(time.perf_counter() - started)
    try:
        ack = state.detector.submit(batch)
    except QueueFullError as error:
        raise HTTPException(503, "The detector is behind; send the same again.", {"Retry-After": "5"}) from error
    except UnwritableError as error:
        # Whoever sends cannot free space, and need not hurry.
        detail = "The data folder cannot be written; send the same again."
        raise HTTPException(503, detail, {"Retry-After": "30"}) from error
    return json(ack, 202)
