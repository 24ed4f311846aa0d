"""Idempotency keys: a write that is sent again is answered from memory."""

from collections.abc import Callable
from typing import Annotated

import msgspec
from fastapi import Header, HTTPException, Request, Response
from pydantic import BaseModel

from detector.alerts.store.answers import Answer, OtherRequestError, StillRunningError
from detector.alerts.store.tokens import Token
from detector.service.http.answer import JSON
from detector.service.http.state import State

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key with the same request does it once; kept for a day, unless the settings say otherwise.",
    ),
]


def once(
    state: State, token: Token, request: Request, key: str | None, body: BaseModel | None, do: Callable[[], Response]
) -> Response:
    """Do a write, or give the answer that it got before.

    Raises:
        HTTPException: the key belongs to another request (422), or the first one is not done (409).
    """
    if key is None:
        return do()
    words = [request.method, request.url.path, body.model_dump_json() if body else ""]
    try:
        known = state.store.answers.begin(token.id, key, msgspec.json.encode(words))
    except OtherRequestError as error:
        raise HTTPException(422, "The idempotency key was used for another request.") from error
    except StillRunningError as error:
        raise HTTPException(409, "The first request with this idempotency key is not done.") from error
    if known is not None:
        return Response(known.body, known.status, {"Idempotency-Replayed": "true"}, JSON)
    try:
        made = do()
    except BaseException:
        state.store.answers.release(token.id, key)
        raise
    state.store.answers.finish(token.id, key, Answer(made.status_code, bytes(made.body).decode()))
    return made
