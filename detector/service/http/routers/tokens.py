"""Tokens: issue, list, revoke."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from detector.alerts.store.tokens import Scope, Token
from detector.service.http.access import Admin, StateDep
from detector.service.http.answer import Responses, gives, json, problems
from detector.service.http.paging import found

router = APIRouter(prefix="/v1/tokens", tags=["tokens"])
_TOKEN = Token(4, "gateway", ("ingest",), 1_772_000_000_000_000)
_GONE: Responses = {204: {"description": "Revoked"}, **problems(404)}


class NewToken(BaseModel):
    """A token to issue."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "gateway", "scopes": ["ingest"]}})

    name: str = Field(min_length=1, max_length=128, pattern=r"^[^\x00]+$")
    scopes: list[Scope] = Field(min_length=1, max_length=4)


class Issued(msgspec.Struct):
    """A new token; its secret is shown this once."""

    token: Token
    secret: str


@router.get("", responses=gives(list[Token], [_TOKEN], said="Tokens"))
def list_tokens(state: StateDep, _: Admin) -> Response:
    """List tokens, also revoked ones; never their secrets."""
    return json(state.store.tokens.all())


@router.post("", status_code=201, responses=gives(Issued, Issued(_TOKEN, "rvn_…"), status=201, said="Issued"))
def issue(state: StateDep, admin: Admin, body: NewToken) -> Response:
    """Issue a token. There is no idempotency key here: its answer would have to be kept, and with it the secret."""
    return json(Issued(*state.store.tokens.issue(body.name, body.scopes, admin.name)), 201)


@router.delete("/{number}", status_code=204, response_class=Response, responses=_GONE)
def revoke(state: StateDep, admin: Admin, number: Annotated[int, Path(ge=1, lt=1 << 63)]) -> Response:
    """Revoke a token."""
    found(state.store.tokens.revoke(number, admin.name), "living token")
    return Response(status_code=204)
