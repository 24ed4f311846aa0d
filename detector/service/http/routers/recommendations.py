"""Recommendations: what to do, as a gateway takes it, and what became of it."""

import importlib
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from detector.alerts.model import Alert, Recommendation, Severity
from detector.alerts.store.alerts import Filters
from detector.alerts.store.outcomes import TAKES_BACK, Appeals, Outcome, OutcomeName
from detector.service.http import examples
from detector.service.http.access import Reader, StateDep, Triager
from detector.service.http.answer import gives, json
from detector.service.http.once import Key, once
from detector.service.http.paging import Cursor, Limit, Name, found

router = APIRouter(prefix="/v1/recommendations", tags=["recommendations"])
Format = Literal["json", "litellm", "kong", "envoy", "ietf"]
_Format = Annotated[Format, Query(alias="format", description="json, or a gateway's configuration")]


class Recommendations(msgspec.Struct):
    """A page; `next` is null at its end."""

    items: list[Recommendation]
    next: str | None


class Approval(msgspec.Struct, frozen=True):
    """Whether a recommendation binds now, and why it does not."""

    released: bool
    why: str


class Report(BaseModel):
    """What was done with a recommendation."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"outcome": "applied"}})

    outcome: OutcomeName
    note: str | None = Field(None, max_length=4000, pattern=r"^[^\x00]*$")


def _renderer() -> Callable[[Recommendation, str, str], dict[str, Any]]:
    try:
        module = importlib.import_module("detector.alerts.render")
    except ModuleNotFoundError as error:
        raise HTTPException(501, "The renderers are not installed; ask for json.") from error
    render: Callable[[Recommendation, str, str], dict[str, Any]] = module.render
    return render


@router.get(
    "", responses=gives(Recommendations, Recommendations([examples.RECOMMENDATION], None), said="Recommendations")
)
def list_recommendations(
    state: StateDep, _: Reader, severity: Severity | None = None, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    """List the current recommendations, of the worst alerts first."""
    page = state.store.alerts.page(Filters(severity, recommending=True), order="worst", after=cursor, limit=limit)
    shown = [alert.recommendation for alert in state.enforcing.all_shown(page.items)]
    return json(Recommendations([made for made in shown if made], page.next))


@router.get("/appeals", responses=gives(Appeals, Appeals(40, 4, 1, 0.25), said="Appeals"))
def get_appeals(state: StateDep, _: Reader) -> Response:
    """How often customers appealed against what was applied, and were right."""
    return json(state.store.outcomes.appeals())


@router.get(
    "/{recommendation_id}",
    responses=gives(Recommendation, examples.RECOMMENDATION, 404, 501, said="The recommendation, or its rendering"),
)
def get_recommendation(state: StateDep, _: Reader, recommendation_id: Name, fmt: _Format = "json") -> Response:
    """Read a recommendation, rendered for a gateway with `?format=`."""
    alert: Alert = found(state.store.alerts.recommending(recommendation_id), "recommendation")
    made = found(state.enforcing.shown(alert).recommendation, "recommendation")
    return json(made if fmt == "json" else _renderer()(made, fmt, state.litellm_account))


@router.post("/{recommendation_id}/approve", responses=gives(Approval, Approval(True, ""), 404, 409, said="Noted"))
def approve(state: StateDep, token: Triager, request: Request, recommendation_id: Name, key: Key = None) -> Response:
    """Agree to a recommendation that needs people, such as the suspension of a cluster; each token counts once."""

    def do() -> Response:
        alert: Alert = found(state.store.alerts.recommending(recommendation_id), "recommendation")
        why = state.enforcing.approve(alert, token.name)
        return json(Approval(not why, why))

    return once(state, token, request, key, None, do)


@router.get("/{recommendation_id}/outcomes", responses=gives(list[Outcome], [examples.OUTCOME], 404, said="Outcomes"))
def list_outcomes(state: StateDep, _: Reader, recommendation_id: Name) -> Response:
    """What became of the recommendations of the same alert."""
    alert: Alert = found(state.store.alerts.recommending(recommendation_id), "recommendation")
    return json(state.store.outcomes.of_alert(alert.id))


@router.post(
    "/{recommendation_id}/outcome",
    status_code=201,
    responses=gives(Outcome, examples.OUTCOME, 404, 409, status=201, said="Noted"),
)
def add_outcome(
    state: StateDep, token: Triager, request: Request, recommendation_id: Name, body: Report, key: Key = None
) -> Response:
    """Say what was done with a recommendation.

    A challenge that was passed or failed, and what was reverted after an appeal, become labels of the alert. A suspension that was
    applied counts as a ban from then on.
    """

    def do() -> Response:
        alert: Alert = found(state.store.alerts.recommending(recommendation_id), "recommendation")
        action = alert.recommendation.action if alert.recommendation else None
        made = state.store.outcomes.add(recommendation_id, alert.id, body.outcome, token.name, body.note, action)
        if body.outcome == "applied":
            state.detector.enforced()
        if body.outcome in TAKES_BACK:
            state.store.enforcement.withdraw(recommendation_id, token.name)
        return json(made, 201)

    return once(state, token, request, key, body, do)
