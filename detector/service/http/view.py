"""An account as the engine knows it at this moment: features, score, reasons, links."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from detector.alerts.model import Alert, rfc3339
from detector.coordination.graph import Links
from detector.coordination.keys import KINDS
from detector.profiles.features import FEATURES
from detector.profiles.hashing import hash_strings
from detector.profiles.layout import COUNT
from detector.report import Graph
from detector.scoring.scorer import ACCOUNT
from detector.scoring.severity import risk
from detector.service.anomalous import strange
from detector.service.engine import Engine
from detector.service.graphs import cluster_graph
from detector.service.http.state import AccountView, Link
from detector.service.looks import score
from detector.service.reasons import reasons_of

_REQUESTS: Final = COUNT["requests"]
_MOST_LINKS: Final = 20
_MOST_OTHERS: Final = 20


def slots_of(engine: Engine, account_ids: Sequence[str]) -> dict[str, int]:
    """Slots of those accounts that were ever seen."""
    ident = hash_strings(pl.Series(account_ids, dtype=pl.String), engine.keys.identity)
    known = engine.store.accounts.ident[: len(engine.store)]
    found = np.flatnonzero(np.isin(known, ident))
    slot = dict(zip(known[found].tolist(), found.tolist(), strict=True))
    return {name: slot[i] for name, i in zip(account_ids, ident.tolist(), strict=True) if i in slot}


def slot_of(engine: Engine, account_id: str) -> int | None:
    """Slot of an account; None where it was never seen."""
    return slots_of(engine, [account_id]).get(account_id)


def seen(engine: Engine, account_id: str) -> bool:
    """Whether an account has sent anything; the account file may name others."""
    slot = slot_of(engine, account_id)
    return slot is not None and bool(engine.store.accounts.last[slot] > 0)


def graph_of(engine: Engine, alert: Alert) -> Graph | None:
    """What ties the accounts of an alert, by the links of the latest look; None where nothing does.

    Args:
        engine: must not run meanwhile.
        alert: of a cluster.
    """
    if engine.clusters is None:
        return None
    slots = slots_of(engine, alert.accounts)
    graph = cluster_graph(alert, slots, engine.clusters[0].view.links, engine.skeletons)
    return graph if graph.edges else None


def account_view(engine: Engine, account_id: str) -> AccountView | None:
    """What is known of an account; None where nothing is.

    Args:
        engine: must not run meanwhile.
        account_id: which.
    """
    slot = slot_of(engine, account_id)
    if slot is None or not seen(engine, account_id):
        return None
    now = engine.now + 1
    look = engine.look(np.array([slot], np.int32), engine.moment(now))
    scored = score(engine.scorer, [look])
    engine.strangers.judge(engine.scorer, scored, look.slots, look.known, note=False)
    row = scored.frame.row(0, named=True)
    p_value = float(scored.p_value[0])
    return AccountView(
        account_id,
        int(look.pooled.counts[0, _REQUESTS]),
        rfc3339(int(engine.store.accounts.first[slot])),
        rfc3339(int(engine.store.accounts.last[slot])),
        str(row["stratum"]),
        float(scored.score[0]),
        p_value,
        risk(p_value),
        reasons_of(engine.scorer, scored, ACCOUNT, 0, strange(engine.scorer, scored, 0)),
        {name: _number(row[name]) for name in FEATURES if name in row},
        _links(engine, slot),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else None


def _links(engine: Engine, slot: int) -> list[Link]:
    """Keys of the latest look at clusters that the account shares, strongest first."""
    if engine.clusters is None:
        return []
    links = engine.clusters[0].view.links
    mine = np.flatnonzero(links.slot == slot)
    strongest = mine[np.argsort(-links.weight[mine], kind="stable")][:_MOST_LINKS]
    return [_link(engine, links, int(i), slot) for i in strongest]


def _link(engine: Engine, links: Links, i: int, slot: int) -> Link:
    key = links.key[i]
    others = links.slot[(links.key == key) & (links.slot != slot)][:_MOST_OTHERS]
    names = [engine.store.ids[s] for s in others]
    return Link(KINDS[links.kind[i]], float(links.weight[i]), int(links.holders[key]), names)
