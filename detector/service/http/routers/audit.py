"""The audit log: read it, and see that nothing of it was changed."""

import msgspec
from fastapi import APIRouter, Response

from detector.alerts.store.audit import AuditEntry
from detector.alerts.store.times import exact
from detector.service.http.access import Admin, StateDep
from detector.service.http.answer import gives, json
from detector.service.http.paging import Cursor, Limit, numbered

router = APIRouter(prefix="/v1/audit", tags=["audit"])
_ENTRY = AuditEntry(
    9, 1_772_000_000_000_000, "ana", "alert.triage", "alr_3b9e4d2a5c1f8077", {"after": "confirmed"}, "0f" * 32
)


# Of the details in the log.
_TIMES = frozenset({"expires_at"})


class Entries(msgspec.Struct):
    """A page; `next` is null at its end."""

    items: list[AuditEntry]
    next: str | None


class Proof(msgspec.Struct):
    """Whether the log is whole; `first_broken` is the id of the first entry that does not follow from those before."""

    whole: bool
    first_broken: int | None


@router.get("", responses=gives(Entries, Entries([_ENTRY], None), said="Entries"))
def list_entries(state: StateDep, _: Admin, cursor: Cursor = None, limit: Limit = 100) -> Response:
    """List who did what, the first entry first."""
    return json(numbered(lambda after, most: list(map(_dated, state.store.audit.page(after, most))), cursor, limit))


def _dated(entry: AuditEntry) -> AuditEntry:
    """An entry whose detail has times as answers have them; the hash covers what is stored, where they are µs."""
    times = {name: exact(value) for name, value in entry.detail.items() if name in _TIMES}
    return msgspec.structs.replace(entry, detail=entry.detail | times) if times else entry


@router.get("/verify", responses=gives(Proof, Proof(True, None), said="The proof"))
def verify(state: StateDep, _: Admin) -> Response:
    """Check every hash of the log."""
    broken = state.store.audit.verify()
    return json(Proof(broken is None, broken))
