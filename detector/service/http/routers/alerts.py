"""Alerts: list, read, decide, take back."""

import hashlib
from typing import Annotated

import msgspec
from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from detector.alerts.model import Alert, Kind, Severity, Status
from detector.alerts.store.alerts import Filters, Order, Page, Version, joiners
from detector.alerts.store.triage import Decision, NothingToUndoError
from detector.service.http import examples
from detector.service.http.access import Reader, StateDep, Triager
from detector.service.http.answer import JSON, gives, json
from detector.service.http.once import Key, once
from detector.service.http.paging import Cursor, Id, Limit, Name, found
from detector.service.http.state import State

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])
_Match = Annotated[str | None, Header(max_length=200)]


class Verdict(BaseModel):
    """What a person decides about an alert."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"status": "confirmed", "note": "Known wrapper"}}
    )

    status: Status
    note: str | None = Field(None, max_length=4000, pattern=r"^[^\x00]*$")


class History(msgspec.Struct):
    """What became of an alert: versions that the detector or people made, and people's decisions."""

    versions: list[Version]
    decisions: list[Decision]


@router.get("", responses=gives(Page, examples.PAGE, said="Alerts"))
async def list_alerts(
    state: StateDep,
    _: Reader,
    severity: Annotated[Severity | None, Query(description="At least")] = None,
    status: Annotated[list[Status] | None, Query(description="Any of these", max_length=5)] = None,
    kind: Kind | None = None,
    account_id: Annotated[Id | None, Query(description="Named by the alert")] = None,
    merged: Annotated[bool, Query(description="Also those that went into another one")] = False,
    order: Order = "newest",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """List alerts, the newest or the worst first."""
    asked = Filters(severity, tuple(status or ()), kind, account_id, merged), order, cursor, limit
    body = state.lists.get(asked)
    if body is None:
        mark = state.lists.mark()
        body = await run_sync(_listed, state, *asked)
        state.lists.put(asked, mark, body)
    return Response(body, media_type=JSON)


def _listed(state: State, filters: Filters, order: Order, cursor: str | None, limit: int) -> bytes:
    rows, following = state.store.alerts.stored(filters, order=order, after=cursor, limit=limit)
    return msgspec.json.encode({"items": state.enforcing.bodies(rows), "next": following, "joiners": joiners(rows)})


@router.get(
    "/{alert_id}", responses={**gives(Alert, examples.ALERT, 404, said="The alert"), 304: {"description": "As it was"}}
)
def get_alert(state: StateDep, _: Reader, alert_id: Name, if_none_match: _Match = None) -> Response:
    """Read an alert; its ETag changes with it."""
    alert = state.enforcing.shown(found(state.store.alerts.get(alert_id), "alert"))
    tag = etag(alert)
    if if_none_match is not None and (if_none_match.strip() == "*" or tag in _tags(if_none_match)):
        return Response(status_code=304, headers={"ETag": tag})
    return json(alert, headers={"ETag": tag})


@router.get(
    "/{alert_id}/history", responses=gives(History, History([examples.VERSION], []), 404, said="Versions and decisions")
)
def get_history(state: StateDep, _: Reader, alert_id: Name) -> Response:
    """Read what became of an alert."""
    found(state.store.alerts.get(alert_id), "alert")
    return json(History(state.store.alerts.history(alert_id), state.store.triage.decisions(alert_id)))


@router.post("/{alert_id}/triage", responses=gives(Alert, examples.ALERT, 404, 409, 412, said="The alert"))
def triage(
    state: StateDep,
    token: Triager,
    request: Request,
    alert_id: Name,
    body: Verdict,
    key: Key = None,
    if_match: _Match = None,
) -> Response:
    """Decide about an alert. With If-Match, only if nobody changed it meanwhile."""

    def do() -> Response:
        _unchanged(state.enforcing.shown(found(state.store.alerts.get(alert_id), "alert")), if_match)
        alert = found(state.store.triage.decide(alert_id, body.status, token.name, body.note), "alert")
        alert = state.enforcing.shown(alert)
        return json(alert, headers={"ETag": etag(alert)})

    return once(state, token, request, key, body, do)


@router.post("/{alert_id}/undo", responses=gives(Alert, examples.ALERT, 404, 409, said="The alert"))
def undo(state: StateDep, token: Triager, request: Request, alert_id: Name, key: Key = None) -> Response:
    """Take the latest decision about an alert back."""

    def do() -> Response:
        try:
            alert = state.enforcing.shown(found(state.store.triage.undo(alert_id, token.name), "alert"))
        except NothingToUndoError as error:
            raise HTTPException(409, "No decision about this alert stands.") from error
        return json(alert, headers={"ETag": etag(alert)})

    return once(state, token, request, key, None, do)


def etag(alert: Alert) -> str:
    """A strong validator of an alert."""
    return f'"{hashlib.sha256(msgspec.json.encode(alert)).hexdigest()[:32]}"'


def _tags(header: str) -> list[str]:
    return [part.strip().removeprefix("W/") for part in header.split(",")]


def _unchanged(alert: Alert, if_match: str | None) -> None:
    if if_match is not None and if_match.strip() != "*" and etag(alert) not in if_match.split(","):
        raise HTTPException(412, "The alert changed since it was read.")
