"""Health, readiness and metrics; open to whoever reaches the port, and free of anything about accounts."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from detector.service.http.access import StateDep
from detector.service.http.answer import Responses, json, problems
from detector.service.http.problems import problem

router = APIRouter(tags=["health"])
_ASKED: Responses = {422: problems()[422]}  # they take no parameters, and say so


@router.get("/healthz", responses={200: {"description": "Alive"}, **_ASKED})
def healthz() -> Response:
    """Whether the process answers."""
    return json({"status": "ok"})


@router.get("/readyz", responses={200: {"description": "Ready"}, 503: {"description": "Not ready"}, **_ASKED})
def readyz(state: StateDep) -> Response:
    """Whether the detector takes in records."""
    if not state.detector.ready or state.stopping.is_set():
        return problem(503, "The detector does not take in records.")
    if not state.detector.writable:
        return problem(503, "The data folder cannot be written.")
    return json({"status": "ready"})


@router.get(
    "/metrics",
    responses={200: {"description": "Prometheus' text format", "content": {"text/plain": {}}}, **_ASKED},
)
def metrics(state: StateDep) -> Response:
    """Metrics for Prometheus."""
    return Response(state.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
