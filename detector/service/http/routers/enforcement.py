"""Enforcement: how it stands, and letting go of the brake."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from detector.alerts.store.enforcement import Brake
from detector.service.enforcing import View
from detector.service.http.access import Admin, Reader, StateDep
from detector.service.http.answer import gives, json
from detector.service.http.once import Key, once

router = APIRouter(prefix="/v1/enforcement", tags=["enforcement"])
_VIEW = View(
    "live", Brake(1_772_000_000_000_000, "61 accounts within an hour, and 50 are allowed"), 48, 50, 0.004, 0.02
)


class Reset(BaseModel):
    """Why the brake is let go of."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"note": "Launch day; the alerts were closed"}}
    )

    note: str = Field(min_length=1, max_length=4000, pattern=r"^[^\x00]*$")


@router.get("", responses=gives(View, _VIEW, said="How it stands"))
def get_enforcement(state: StateDep, _: Reader) -> Response:
    """Read whether recommendations bind anybody, how much of the caps is used, and whether the brake is pulled."""
    return json(state.enforcing.view())


@router.post("/reset", responses=gives(View, _VIEW, 409, said="How it stands"))
def reset(state: StateDep, token: Admin, request: Request, body: Reset, key: Key = None) -> Response:
    """Let go of the brake: what was released before binds again."""

    def do() -> Response:
        return json(state.enforcing.reset(token.name, body.note))

    return once(state, token, request, key, body, do)
