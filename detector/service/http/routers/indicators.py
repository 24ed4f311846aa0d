"""Indicators of alerts as keyed hashes, for other providers: who shares the key can match them, and nobody else."""

import io
from collections.abc import Iterator
from typing import Annotated, Final, Literal

from fastapi import APIRouter, HTTPException, Query, Response

from detector.alerts.model import Alert, Severity
from detector.alerts.notify import write_csv, write_ndjson
from detector.alerts.notify.indicators import indicators
from detector.alerts.store.alerts import Filters
from detector.service.http.access import Reader, StateDep
from detector.service.http.answer import problems
from detector.service.http.state import State

router = APIRouter(prefix="/v1/indicators", tags=["indicators"])
_NDJSON: Final = "application/x-ndjson"
_CSV: Final = "text/csv; charset=utf-8"
_CLOSED: Final = frozenset({"false_positive", "resolved"})
_PAGE: Final = 200
_ROW: Final = '{"indicator":"9f2c…","kind":"template","alert_id":"alr_3b9e4d2a5c1f8077","severity":"high"}\n'
_Accounts = Annotated[bool, Query(description="also the core members' account ids, hashed")]


@router.get(
    "",
    response_class=Response,
    responses={
        200: {"description": "Indicators", "content": {_NDJSON: {"example": _ROW}, "text/csv": {}}},
        **problems(404),
    },
)
def export_indicators(
    state: StateDep,
    _: Reader,
    fmt: Annotated[Literal["ndjson", "csv"], Query(alias="format")] = "ndjson",
    severity: Severity = "high",
    accounts: _Accounts = False,
) -> Response:
    """Export the skeletons of alerts that nobody closed, hashed with the key of the setting `indicators_key_file`."""
    if not state.indicators_key:
        raise HTTPException(404, "There is no key to share them under; set indicators_key_file.")
    rows = indicators(_open(state, severity), state.indicators_key, accounts=accounts)
    if fmt == "csv":
        text = io.StringIO(newline="")
        write_csv(rows, text)
        return Response(text.getvalue(), media_type=_CSV)
    data = io.BytesIO()
    write_ndjson(rows, data)
    return Response(data.getvalue(), media_type=_NDJSON)


def _open(state: State, severity: Severity) -> Iterator[Alert]:
    after: str | None = None
    while True:
        page = state.store.alerts.page(Filters(severity), after=after, limit=_PAGE)
        yield from (alert for alert in page.items if alert.status not in _CLOSED)
        after = page.next
        if after is None:
            return
