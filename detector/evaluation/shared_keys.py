"""Baseline: join accounts that share a payment fingerprint, a /24 or a system prompt; flag every group of them."""

import polars as pl

from detector.evaluation.log import RequestLog, moment

GROUP = 3
"""Smallest group that is flagged: two accounts that share a card are a household."""

NETWORK = r"^(\d+\.\d+\.\d+)\.\d+$"


def shared_pairs(log: RequestLog, payments: pl.DataFrame | None) -> dict[str, pl.DataFrame]:
    """Which account used which key, since when.

    Args:
        log: the requests.
        payments: `account_id`, `payment_fingerprint`; None where there is no accounts file.

    Returns:
        By kind of key, a frame of distinct `account_id` and `key` (UInt64, a hash), with `since`, the epoch seconds of the first
        exchange with it (of the account's first, for payments).
    """
    keys = {"network /24": pl.col("ip").str.extract(NETWORK), "system prompt": pl.col("system_prompt")}
    frame = log.frame("account_id", "ts", "ip", "system_prompt").with_columns(moment())
    pairs = {kind: _pairs(frame.select("account_id", "moment", key.alias("key"))) for kind, key in keys.items()}
    if payments is not None:
        active = frame.group_by("account_id").agg(pl.col("moment").min())
        paid = payments.lazy().join(active, on="account_id")
        pairs = {"payment": _pairs(paid.rename({"payment_fingerprint": "key"})), **pairs}
    return pairs


def flag_groups(pairs: dict[str, pl.DataFrame]) -> dict[str, dict[str, float]]:
    """Accounts in groups of at least `GROUP` that share keys, by kind of key and over all kinds.

    Args:
        pairs: as from `shared_pairs`.

    Returns:
        By the baseline's name, since when each flagged account is in such a group, epoch seconds.
    """
    flagged = {f"shared {kind}": _groups([frame]) for kind, frame in pairs.items()}
    return flagged | {"shared keys, all": _groups(list(pairs.values()))}


def _pairs(frame: pl.LazyFrame) -> pl.DataFrame:
    keyed = frame.drop_nulls("key").select("account_id", pl.col("key").hash(), "moment")
    return keyed.group_by("account_id", "key").agg(pl.col("moment").min().alias("since")).collect(engine="streaming")


def _groups(frames: list[pl.DataFrame]) -> dict[str, float]:
    """Members of connected components of the account–key graph, keys of different kinds being different nodes.

    The edges come in time order; the smaller of two components moves into the larger one.
    """
    tagged = [frame.with_columns(pl.lit(kind, pl.UInt8).alias("kind")) for kind, frame in enumerate(frames)]
    edges = pl.concat(tagged).with_columns(pl.col("since").fill_null(float("inf")))
    component: dict[object, tuple[list[object], list[str]]] = {}
    flagged: dict[str, float] = {}
    for account, key, kind, since in (
        edges.select("account_id", "key", "kind", "since").sort("since", "account_id", "kind", "key").iter_rows()
    ):
        node = (kind, key)
        ours = component.setdefault(account, ([account], [account]))
        theirs = component.setdefault(node, ([node], []))
        if ours is theirs:
            continue
        fresh = [name for part in (ours, theirs) if len(part[1]) < GROUP for name in part[1]]
        small, large = sorted((ours, theirs), key=lambda part: len(part[0]))
        component.update(dict.fromkeys(small[0], large))
        large[0].extend(small[0])
        large[1].extend(small[1])
        if len(large[1]) >= GROUP:
            flagged.update(dict.fromkeys(fresh, since))
    return flagged
