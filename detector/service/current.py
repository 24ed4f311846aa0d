"""What alerted accounts have done by now: an alert whose cluster is found no more goes on counting."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from detector.alerts.book import AlertBook
from detector.alerts.entry import Latest
from detector.alerts.model import rfc3339
from detector.profiles.activity import active_hours
from detector.profiles.layout import COUNT, HOUR_US, I32, I64
from detector.profiles.store import ProfileStore
from detector.service.skeletons import Shared, SkeletonBank


def timeline(start: int, counts: I64) -> dict[str, list[Any]]:
    """Members active in each hour, from the first to the last in which any was; hours by their beginning, RFC 3339.

    Args:
        start: event time at which the first hour begins, µs.
        counts: i64[hours].
    """
    used = np.flatnonzero(counts)
    if used.size == 0:
        return {"hours": [], "counts": []}
    first, last = int(used[0]), int(used[-1]) + 1
    return {
        "hours": [rfc3339(start + h * HOUR_US) for h in range(first, last)],
        "counts": counts[first:last].tolist(),
    }


def bring_up_to_date(
    book: AlertBook, store: ProfileStore, bank: SkeletonBank, now: int, *, joiners: bool = False
) -> None:
    """Tell the alerts what their accounts have done by now; who is named, and how severe it is, does not change.

    Args:
        book: of alerts, which nobody else changes meanwhile.
        store: profiles.
        bank: has words of texts by now that it had not when an alert's case was made.
        now: event time, µs.
        joiners: also of accounts whose shows of a cluster's text are still counted; at the end of a log.
    """
    live = book.live()
    slots = _slots(store, {account for entry in live for account in entry.members})
    if not slots:
        return
    latest = _latest(store, slots, now)
    for entry in live:
        shown: dict[str, Any] = {}
        if "timeline" in entry.case.evidence:
            members = np.array([slots[a] for a in entry.members if a in slots], np.int32)
            shown["timeline"] = timeline(*active_hours(store.accounts, store.panes, members, now))
        if entry.case.texts:
            shown["skeletons"] = bank.shown([Shared(*text) for text in entry.case.texts])
        book.update(entry, latest, shown, joiners=joiners)


def _slots(store: ProfileStore, accounts: set[str]) -> dict[str, int]:
    if not accounts:
        return {}
    ids = pl.Series(store.ids, dtype=pl.String)
    found = ids.is_in(sorted(accounts)).arg_true()
    return dict(zip(ids.gather(found).to_list(), found.to_list(), strict=True))


def _latest(store: ProfileStore, slots: Mapping[str, int], now: int) -> dict[str, Latest]:
    rows: I32 = np.fromiter(slots.values(), np.int32, len(slots))
    each = store.each(rows, now, ("counts", "tokens"))
    columns = each.counts[:, COUNT["requests"]].tolist(), each.tokens[:, 1].tolist(), store.accounts.last[rows].tolist()
    return {account: Latest(*of) for account, *of in zip(slots, *columns, strict=True)}
