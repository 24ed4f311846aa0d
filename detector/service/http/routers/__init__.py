"""The routes, one file a noun."""

from typing import Final

from fastapi import APIRouter

from detector.service.http.routers import (
    accounts,
    alerts,
    allowances,
    audit,
    clusters,
    enforcement,
    health,
    indicators,
    ingest,
    labels,
    recommendations,
    rules,
    stream,
    tokens,
)

# The stream comes first: its path would otherwise be taken for an alert's id.
ROUTERS: Final[tuple[APIRouter, ...]] = (
    stream.router,
    alerts.router,
    accounts.router,
    clusters.router,
    recommendations.router,
    enforcement.router,
    allowances.router,
    labels.router,
    indicators.router,
    rules.router,
    ingest.router,
    tokens.router,
    audit.router,
    health.router,
)
