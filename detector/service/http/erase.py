"""Erasure in memory: an account's profile is blanked and its alerts no longer name it.

Its slot stays, for the slots of others are counted from it; nothing of the account is left there, and new traffic gets a new slot.
"""

import msgspec
import numpy as np

from detector.alerts.entry import Entry
from detector.alerts.recommendations import unbound
from detector.profiles.kernels import free_row
from detector.profiles.layout import Accounts, empty_accounts
from detector.profiles.store import ProfileStore
from detector.service.engine import Engine
from detector.service.http.view import slot_of
from detector.service.indicators import Indicators


def erase(engine: Engine, account_id: str) -> None:
    """Erase an account from an engine that does not run meanwhile."""
    slot = slot_of(engine, account_id)
    if slot is not None:
        _blank(engine.store, slot)
        engine.culprits.forget(slot)
        engine.references.forget(slot, account_id)
        engine.coordinator.everybody.forget(slot)
        engine.store.rename(slot, f"erased-{slot}")
    _unname(engine, account_id)


def _blank(store: ProfileStore, slot: int) -> None:
    for row in np.flatnonzero(store.panes.slot == slot):
        free_row(store.panes, int(row))
        height = int(store.free[-1])
        store.free[height], store.free[-1] = row, height + 1
    empty: Accounts = empty_accounts(1)
    for name in Accounts._fields:
        getattr(store.accounts, name)[slot] = getattr(empty, name)[0]


def _unname(engine: Engine, account_id: str) -> None:
    book = engine.alerts
    # The index of the book would lead to entries that are gone.
    book._of_account.pop(account_id, None)  # noqa: SLF001 - the book has no way to forget
    for entry in [e for e in book.entries.values() if account_id in e.named]:
        entry.named.pop(account_id)
        entry.actionable.pop(account_id, None)
        entry.members.pop(account_id, None)
        entry.leaked.pop(account_id, None)
        entry.held.pop(account_id, None)
        entry.alike.discard(account_id)
        entry.culprits.pop(account_id, None)
        entry.unsure.discard(account_id)
        entry.refs.pop(account_id, None)
        _shrink(entry, account_id)
    gone = {name for name, entry in book.entries.items() if not entry.named}
    for name in gone:
        del book.entries[name]
    _unlearn(engine, gone)


def _unlearn(engine: Engine, gone: set[str]) -> None:
    """Indicators of alerts that are gone lead nowhere."""
    old = engine.indicators
    alert = {key: name for key, name in old.alert.items() if name not in gone}
    members = {name: slots for name, slots in old.members.items() if name not in gone}
    engine.indicators = Indicators(alert, members, np.array(sorted(alert), np.uint32))


def _shrink(entry: Entry, account_id: str) -> None:
    left = tuple(m for m in entry.case.members if m.account_id != account_id)
    entry.case = msgspec.structs.replace(entry.case, members=left)
    if entry.recommendation is not None:
        entry.recommendation = unbound(entry.recommendation, account_id)
