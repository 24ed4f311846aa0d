"""Who may do what: bearer tokens with scopes, a rate for each, and no open port without one."""

import ipaddress
import math
import shlex
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Final

from anyio.to_thread import run_sync
from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from detector.alerts.store.tokens import Scope, Token
from detector.service.http.jwks import BETWEEN_S, KeysError
from detector.service.http.people import JwtError, is_jwt
from detector.service.http.state import State

_ABOUT: Final = "A token of this service, or a JWT of the configured issuer; its scopes say what it may do."
_CHALLENGE: Final = 'Bearer realm="revenuer"'
_bearer = HTTPBearer(auto_error=False, description=_ABOUT)


class ExposedError(RuntimeError):
    """The service would be open to others without a token."""


async def state_of(request: Request) -> State:
    """The state that the app was made with."""
    state = request.app.state.revenuer
    assert isinstance(state, State)
    return state


StateDep = Annotated[State, Depends(state_of)]
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


def need(scope: Scope) -> Callable[[State, HTTPAuthorizationCredentials | None], Awaitable[Token]]:
    """A dependency that gives the caller's token, or refuses."""

    # Each step that is no coroutine waits for a thread, and while the engine computes that takes milliseconds.
    async def check(state: StateDep, credentials: _Credentials) -> Token:
        token = None
        if credentials is not None:
            secret = credentials.credentials
            token = state.store.tokens.seen(secret) or await run_sync(_holder, state, secret)
        if token is None:
            raise HTTPException(401, "Send a valid token: Authorization: Bearer …", {"WWW-Authenticate": _CHALLENGE})
        wait = state.buckets.take(token.id)
        if wait > 0:
            raise HTTPException(429, "Too many requests with this token.", {"Retry-After": str(math.ceil(wait))})
        if not token.may(scope):
            raise HTTPException(403, f"The token lacks the scope {scope}.")
        return token

    return check


def _holder(state: State, secret: str) -> Token | None:
    """Who holds a token of ours or of the configured issuer."""
    if state.people is None or not is_jwt(secret):
        return state.store.tokens.find(secret)
    try:
        return state.people.find(secret)
    except JwtError as error:
        headers = {"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'}
        raise HTTPException(401, str(error), headers) from error
    except KeysError as error:
        wait = {"Retry-After": str(math.ceil(BETWEEN_S))}
        raise HTTPException(503, "The keys of the issuer cannot be read now; try again.", wait) from error


Reader = Annotated[Token, Depends(need("read"))]
Triager = Annotated[Token, Depends(need("triage"))]
Feeder = Annotated[Token, Depends(need("ingest"))]
Admin = Annotated[Token, Depends(need("admin"))]


def loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_exposure(host: str, tokens: Sequence[Token], data: Path) -> None:
    """Hold the door shut while nobody has a key.

    Args:
        host: to listen on.
        tokens: that were ever made.
        data: folder of the service, as whoever asked named it: a token that is made in another one opens nothing here.

    Raises:
        ExposedError: others could reach the service and no token is alive.
    """
    if not loopback(host) and all(t.revoked_at is not None for t in tokens):
        make = f"revenuer serve --data {shlex.quote(str(data))} --new-token NAME"
        raise ExposedError(f"{host} can be reached by others; make a token first: {make}")
