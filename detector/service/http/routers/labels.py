"""Labels: what people know of accounts and alerts."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from detector.alerts.store.labels import Label, LabelKind, Verdict
from detector.service.http import examples
from detector.service.http.access import Reader, StateDep, Triager
from detector.service.http.answer import Responses, gives, json, problems
from detector.service.http.once import Key, once
from detector.service.http.paging import Cursor, Id, Limit, found, numbered

router = APIRouter(prefix="/v1/labels", tags=["labels"])
_EXAMPLE: dict[str, JsonValue] = {"kind": "account", "subject": "acct-1001", "label": "attack"}
_GONE: Responses = {204: {"description": "Removed"}, **problems(404, 409)}


class NewLabel(BaseModel):
    """A label to add."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _EXAMPLE})

    kind: LabelKind
    subject: str = Field(min_length=1, max_length=512, pattern=r"^[^\x00]+$")
    label: Verdict
    note: str | None = Field(None, max_length=4000, pattern=r"^[^\x00]*$")


class Labels(msgspec.Struct):
    """A page; `next` is null at its end."""

    items: list[Label]
    next: str | None


@router.get("", responses=gives(Labels, Labels([examples.LABEL], None), said="Labels"))
def list_labels(
    state: StateDep, _: Reader, subject: Id | None = None, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    """List labels."""
    return json(numbered(lambda a, n: state.store.labels.page(subject=subject, after=a, limit=n), cursor, limit))


@router.post("", status_code=201, responses=gives(Label, examples.LABEL, 404, 409, status=201, said="Added"))
def add_label(state: StateDep, token: Triager, request: Request, body: NewLabel, key: Key = None) -> Response:
    """Say what an account or an alert is; earlier labels stay."""

    def do() -> Response:
        if body.kind == "alert":  # an account may be known before its first request
            found(state.store.alerts.get(body.subject), "alert")
        return json(state.store.labels.add(body.kind, body.subject, body.label, token.name, body.note), 201)

    return once(state, token, request, key, body, do)


@router.delete("/{number}", status_code=204, response_class=Response, responses=_GONE)
def remove_label(
    state: StateDep, token: Triager, request: Request, number: Annotated[int, Path(ge=1, lt=1 << 63)], key: Key = None
) -> Response:
    """Take a label away."""

    def do() -> Response:
        found(state.store.labels.remove(number, token.name), "label")
        return Response(status_code=204)

    return once(state, token, request, key, None, do)
