"""Baseline: join accounts that share a payment fingerprint, a /24 or a system prompt; flag every group of them."""

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from detector.evaluation.log import RequestLog

GROUP = 3
"""Smallest group that is flagged: two accounts that share a card are a household."""

NETWORK = r"^(\d+\.\d+\.\d+)\.\d+$"


def shared_pairs(log: RequestLog, payments: pl.DataFrame | None) -> dict[str, pl.DataFrame]:
    """Which account used which key.

    Args:
        log: the requests.
        payments: `account_id`, `payment_fingerprint`; None where there is no accounts file.

    Returns:
        By kind of key, a frame of distinct `account_id` and `key` (UInt64, a hash).
    """
    keys = {"network /24": pl.col("ip").str.extract(NETWORK), "system prompt": pl.col("system_prompt")}
    frame = log.frame("account_id", "ip", "system_prompt")
    pairs = {kind: _pairs(frame.select("account_id", key.alias("key"))) for kind, key in keys.items()}
    if payments is not None:
        active = frame.select("account_id").unique()
        paid = payments.lazy().join(active, on="account_id", how="semi")
        pairs = {"payment": _pairs(paid.select("account_id", pl.col("payment_fingerprint").alias("key"))), **pairs}
    return pairs


def flag_groups(pairs: dict[str, pl.DataFrame]) -> dict[str, frozenset[str]]:
    """Accounts in groups of at least `GROUP` that share keys, by kind of key and over all kinds.

    Args:
        pairs: as from `shared_pairs`.

    Returns:
        Flagged accounts by the baseline's name.
    """
    flagged = {f"shared {kind}": _groups([frame]) for kind, frame in pairs.items()}
    return flagged | {"shared keys, all": _groups(list(pairs.values()))}


def _pairs(frame: pl.LazyFrame) -> pl.DataFrame:
    return frame.drop_nulls().select("account_id", pl.col("key").hash()).unique().collect(engine="streaming")


def _groups(frames: list[pl.DataFrame]) -> frozenset[str]:
    """Members of connected components of the account–key graph, keys of different kinds being different nodes."""
    tagged = [frame.with_columns(pl.lit(kind, pl.UInt8).alias("kind")) for kind, frame in enumerate(frames)]
    edges = pl.concat(tagged).with_columns(
        (pl.col("account_id").rank("dense") - 1).cast(pl.Int64).alias("row"),
        (pl.struct("kind", "key").rank("dense") - 1).cast(pl.Int64).alias("column"),
    )
    if edges.is_empty():
        return frozenset()
    names = edges.sort("row").unique("row", maintain_order=True)["account_id"]
    rows, columns = edges["row"].to_numpy(), edges["column"].to_numpy() + names.len()
    size = int(columns.max()) + 1
    graph = coo_array((np.ones(rows.size, np.int8), (rows, columns)), shape=(size, size))
    labels = connected_components(graph, directed=False)[1][: names.len()]
    large = np.bincount(labels)[labels] >= GROUP
    return frozenset(names.filter(pl.Series(large)).to_list())
