"""The audit log: read it, and see that nothing of it was changed."""

import msgspec
from fastapi import APIRouter, Response

from detector.alerts.store.audit import AuditEntry
from detector.service.http.access import Admin, StateDep
from detector.service.http.answer import gives, json
from detector.service.http.paging import Cursor, Limit, numbered

router = APIRouter(prefix="/v1/audit", tags=["audit"])
_ENTRY = AuditEntry(
    9, 1_772_000_000_000_000, "ana", "alert.triage", "alr_3b9e4d2a5c1f8077", {"after": "confirmed"}, "0f" * 32
)


class Entries(msgspec.Struct):
    """A page; `next` is null at its end."""

    items: list[AuditEntry]
    next: str | None


class Proof(msgspec.Struct):
    """Whether the log is whole; `broken_at` is the first entry that does not follow from those before."""

    whole: bool
    broken_at: int | None


@router.get("", responses=gives(Entries, Entries([_ENTRY], None), said="Entries"))
def list_entries(state: StateDep, _: Admin, cursor: Cursor = None, limit: Limit = 100) -> Response:
    """List who did what, the first entry first."""
    return json(numbered(state.store.audit.page, cursor, limit))


@router.get("/verify", responses=gives(Proof, Proof(True, None), said="The proof"))
def verify(state: StateDep, _: Admin) -> Response:
    """Check every hash of the log."""
    broken = state.store.audit.verify()
    return json(Proof(broken is None, broken))
