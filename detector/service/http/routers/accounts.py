"""Accounts: what the detector knows of one, and its erasure."""

import msgspec
from fastapi import APIRouter, Response

from detector.alerts.store.alerts import Filters
from detector.alerts.store.forget import Receipt
from detector.service.http import examples
from detector.service.http.access import Admin, Reader, StateDep
from detector.service.http.answer import gives, json
from detector.service.http.paging import Id, Name, found
from detector.service.http.state import AccountView

router = APIRouter(prefix="/v1/accounts", tags=["accounts"])
_MOST_ALERTS = 100
_RECEIPT = Receipt(12, 1_772_000_000_000_000, "9f0c" * 8, "5a1e" * 16, 1, 2, 3)


@router.get("/{account_id:path}", responses=gives(AccountView, examples.ACCOUNT, 404, 503, said="The account"))
def get_account(state: StateDep, _: Reader, account_id: Name) -> Response:
    """Read an account: features, score, reasons, links, and what to do about it."""
    view = found(state.detector.account(account_id), "account")
    naming = state.store.alerts.page(Filters(account=account_id), order="worst", limit=_MOST_ALERTS).items
    # An alert names whoever was ever in it; what to do concerns only those that it binds.
    advised = [a.recommendation for a in state.enforcing.all_shown(naming) if a.recommendation]
    todo = next((r for r in advised if account_id in r.subject.accounts), None)
    return json(msgspec.structs.replace(view, alerts=[a.id for a in naming], recommendation=todo))


@router.delete("", responses=gives(Receipt, _RECEIPT, 404, 503, said="The receipt"))
def forget_named(state: StateDep, token: Admin, account_id: Id) -> Response:
    """Erase an account's personal data everywhere, by any id: not each of them can be part of a path (`..`, a line break)."""
    return forget(state, token, account_id)


@router.delete("/{account_id:path}", responses=gives(Receipt, _RECEIPT, 404, 503, said="The receipt"))
def forget(state: StateDep, token: Admin, account_id: Name) -> Response:
    """Erase an account's personal data everywhere. Keep the receipt: it alone can show whose data it was."""
    state.detector.forget(account_id)
    return json(state.store.forget(account_id, token.name))
