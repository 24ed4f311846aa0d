"""Allowances: grant, change, revoke, and see beforehand what one would hide."""

import time
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from detector.alerts.allowance import COVERS, EVERYTHING, Allowance, covered, staying, uncovered
from detector.alerts.model import Alert
from detector.alerts.store.alerts import Filters
from detector.alerts.store.allowances import Granted
from detector.alerts.store.times import micros_of
from detector.scoring.combined import ANOMALY
from detector.service.http import examples
from detector.service.http.access import Admin, Reader, StateDep
from detector.service.http.answer import Responses, gives, json, problems
from detector.service.http.once import Key, once
from detector.service.http.paging import Cursor, Id, Limit, found, numbered
from detector.service.http.state import BusyError, State
from streams.account import scope_of

router = APIRouter(prefix="/v1/allowances", tags=["allowances"])
_NAMES: dict[str, JsonValue] = {"enum": [*sorted(COVERS)]}
Number = Annotated[int, Path(ge=1, lt=1 << 63)]
Code = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")]
_SCOPE = Field(
    max_length=100, description="Reason codes that it is limited to, or one string with commas; null: all of the name's"
)
Scope = Annotated[list[Code] | Code | None, _SCOPE]
_MOST = 200
_NAMED = 5  # of wrong codes
_Codes = Mapping[str, frozenset[str]]
_EXAMPLE: dict[str, JsonValue] = {
    "name": "research",
    "account_id": "acct-2001",
    "owner": "lab@example.com",
    "scope": ["SOFT_LABELS"],
    "expires_at": "2036-06-30T00:00:00Z",
}
_GONE: Responses = {204: {"description": "Revoked"}, **problems(404, 409)}


class Grant(BaseModel):
    """An allowance to make."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _EXAMPLE})

    name: str = Field(json_schema_extra=_NAMES)
    account_id: str = Field(min_length=1, max_length=512, pattern=r"^[^\x00]+$")
    owner: str = Field(min_length=1, max_length=256, pattern=r"^[^\x00]+$")
    expires_at: AwareDatetime
    scope: Scope = None


class Change(BaseModel):
    """What to change of an allowance."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"expires_at": "2026-09-30T00:00:00Z"}})

    owner: str | None = Field(None, min_length=1, max_length=256, pattern=r"^[^\x00]+$")
    expires_at: AwareDatetime | None = None
    scope: Scope = None


class Hidden(msgspec.Struct):
    """What an allowance would have changed of the alerts that there are.

    Attributes:
        hidden: alerts that would not be: all reasons of the account are covered, or too few members of a cluster are left.
        weakened: alerts that would say less of the account: of fewer reasons, or of a cluster that it would leave.
        untouched: alerts that would be as they are.
        leaves: those of the weakened that go on without the account, and as severe as they are.
    """

    hidden: list[str]
    weakened: list[str]
    untouched: list[str]
    leaves: list[str] = []


class Made(Granted, frozen=True):
    """An allowance that was granted just now.

    Attributes:
        known: whether the detector has seen the account; null where it was too busy to say. An allowance may be there before its
            account's first request, but one for a misspelt id allows nothing.
    """

    known: bool | None


class Allowances(msgspec.Struct):
    """A page; `next` is null at its end."""

    items: list[Granted]
    next: str | None


_MADE = Made(**msgspec.structs.asdict(examples.ALLOWANCE), known=True)


@router.get("", responses=gives(Allowances, Allowances([examples.ALLOWANCE], None), said="Allowances"))
def list_allowances(
    state: StateDep, _: Reader, account_id: Id | None = None, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    """List allowances, also expired ones."""
    return json(numbered(lambda a, n: state.store.allowances.page(account=account_id, after=a, limit=n), cursor, limit))


@router.get("/preview", responses=gives(Hidden, Hidden([examples.ALERT.id], [], []), said="What it would hide"))
def preview(
    state: StateDep,
    _: Reader,
    account_id: Id,
    name: Annotated[str, Query(json_schema_extra=_NAMES)],
    scope: Annotated[list[Code] | None, Query(max_length=100, description="Reason codes, also with commas")] = None,
) -> Response:
    """See which known alerts an allowance would have hidden, and which clusters the account would leave, before it is granted."""
    _known(name)
    limited = Allowance(name, scope=_codes(state, ",".join(scope) if scope is not None else None))
    now = time.time_ns() // 1000
    given: dict[str, Sequence[Allowance]] = dict(state.store.allowances.by_account())
    before = {each: covered(held, now) for each, held in given.items()}
    after = before | {account_id: covered([*given.get(account_id, ()), limited], now)}
    naming = state.store.alerts.page(Filters(account=account_id, merged=True), order="worst", limit=_MOST).items
    out = Hidden([], [], [])
    for alert in naming:
        _sort(alert, account_id, before, after, out)
    return json(out)


def _sort(alert: Alert, account: str, before: _Codes, after: _Codes, out: Hidden) -> None:
    if alert.kind == "cluster":
        _sort_cluster(alert, account, before, after, out)
        return
    left = uncovered(alert.reasons, after[account])
    if not left:
        out.hidden.append(alert.id)
    else:
        (out.weakened if len(left) < len(alert.reasons) else out.untouched).append(alert.id)


def _sort_cluster(alert: Alert, account: str, before: _Codes, after: _Codes, out: Hidden) -> None:
    """A cluster's reasons are not one member's: it is the member that goes, and the alert only where hardly anybody is left."""
    was = {m.account_id for m in staying(alert.members, alert.reasons, before)}
    left = {m.account_id for m in staying(alert.members, alert.reasons, after)}
    if account not in was or account in left:
        out.untouched.append(alert.id)
    elif left:
        out.weakened.append(alert.id)
        out.leaves.append(alert.id)
    else:
        out.hidden.append(alert.id)


@router.get("/{number}", responses=gives(Granted, examples.ALLOWANCE, 404, said="The allowance"))
def get_allowance(state: StateDep, _: Reader, number: Number) -> Response:
    """Read an allowance."""
    return json(found(state.store.allowances.get(number), "allowance"))


@router.post("", status_code=201, responses=gives(Made, _MADE, 409, status=201, said="Granted"))
def grant(state: StateDep, token: Admin, request: Request, body: Grant, key: Key = None) -> Response:
    """Allow an account something until a day that must be named."""
    _known(body.name)
    scope = _codes(state, body.scope)

    def do() -> Response:
        until = micros_of(body.expires_at)
        if state.store.allowances.past(until):
            raise HTTPException(422, "The end lies in the past: the allowance would allow nothing.")
        made = state.store.allowances.grant(body.name, body.account_id, body.owner, until, token.name, scope)
        state.detector.allow()
        return json(Made(**msgspec.structs.asdict(made), known=_seen(state, body.account_id)), 201)

    return once(state, token, request, key, body, do)


@router.patch("/{number}", responses=gives(Granted, examples.ALLOWANCE, 404, 409, said="The allowance"))
def change(state: StateDep, token: Admin, request: Request, number: Number, body: Change, key: Key = None) -> Response:
    """Change an allowance's owner, scope or end."""
    scope = _codes(state, body.scope)

    def do() -> Response:
        until = micros_of(body.expires_at) if body.expires_at else None
        store = state.store.allowances
        made = found(store.change(number, token.name, owner=body.owner, scope=scope, expires_at=until), "allowance")
        state.detector.allow()
        return json(made)

    return once(state, token, request, key, body, do)


@router.delete("/{number}", status_code=204, response_class=Response, responses=_GONE)
def revoke(state: StateDep, token: Admin, request: Request, number: Number, key: Key = None) -> Response:
    """Revoke an allowance."""

    def do() -> Response:
        found(state.store.allowances.revoke(number, token.name), "allowance")
        state.detector.allow()
        return Response(status_code=204)

    return once(state, token, request, key, None, do)


def _seen(state: State, account_id: str) -> bool | None:
    try:
        return state.detector.knows(account_id)
    except BusyError:
        return None


def _known(name: str) -> None:
    if name not in COVERS:
        raise HTTPException(422, f"The name is one of {', '.join(COVERS)}.")


def _codes(state: State, scope: list[str] | str | None) -> tuple[str, ...] | None:
    """The codes of a scope, each of which some rule has; a typo would cover nothing."""
    given = scope_of(scope)
    if given is None:
        return None
    if not given:
        raise HTTPException(422, "The scope names no reason code: leave it out to allow all that the name covers.")
    known = {rule.code for rule in state.rules} | {code for codes in COVERS.values() for code in codes} | {ANOMALY}
    if wrong := [code for code in given if code not in known - {EVERYTHING}]:
        raise HTTPException(422, f"No reason has the code {', '.join(code[:80] for code in wrong[:_NAMED])}.")
    return tuple(given)
