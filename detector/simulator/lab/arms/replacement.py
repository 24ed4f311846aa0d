"""Replacement accounts: an attacker whose account is refused goes on from a fresh one at once."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from detector.simulator.lab.attacks import marked
from detector.simulator.lab.orders import Spells

Json = dict[str, Any]
_ID_BITS: Final = 48


def replace_refused(out: Path, spells: Spells, seed: int) -> int:
    """Changes a world's files as if what each refused account still had to ask had come from a new one.

    The new one was kept in store: it is as old, has a card, an organisation and a key of its own, and asks as the old one did, from
    where it asked. What an account did beside the attack stays with it.

    Args:
        out: folder of the world.
        spells: from when to when each account is refused.
        seed: of the new names.

    Returns:
        How many accounts were replaced.
    """
    truth = json.loads((out / "truth.json").read_text())
    requests = marked(pl.read_ndjson(out / "requests.ndjson", infer_schema_length=None), truth["attack_times"])
    owner = {a: name for name, accounts in truth["campaigns"].items() for a in accounts}
    first = {a: min(begin for begin, _ in each) for a, each in spells.items() if a in owner and each}
    late = pl.DataFrame(
        {"account_id": sorted(first), "_from": [first[a] for a in sorted(first)]},
        schema={"account_id": pl.String, "_from": pl.Float64},
    )
    requests = requests.join(late, on="account_id", how="left", maintain_order="left").with_columns(
        _moves=pl.col("_attack") & (pl.col("ts") >= pl.col("_from")).fill_null(value=False)
    )
    old = requests.filter("_moves")["account_id"].unique().sort().to_list()
    rng = np.random.default_rng([seed, 9])
    names = [f"{x:012x}" for x in rng.integers(0, 1 << _ID_BITS, len(old))]
    new = dict(zip(old, names, strict=True))
    _write_requests(out, requests, new)
    _write_accounts(out, new)
    _write_truth(out, truth, owner, first, new)
    return len(new)


def _write_requests(out: Path, requests: pl.DataFrame, new: dict[str, str]) -> None:
    name = pl.col("account_id").replace_strict(new, default=None, return_dtype=pl.String)
    moved = {
        "account_id": pl.format("acct_{}", name),
        "org_id": pl.format("org_{}", name),
        "api_key_id": pl.format("key_{}_0", name),
    }
    changed = [pl.when("_moves").then(value).otherwise(column).alias(column) for column, value in moved.items()]
    requests.with_columns(changed).drop("_attack", "_from", "_moves").write_ndjson(out / "requests.ndjson")


def _write_accounts(out: Path, new: dict[str, str]) -> None:
    accounts = pl.read_ndjson(out / "accounts.ndjson", infer_schema_length=None)
    fresh = accounts.filter(pl.col("account_id").is_in(list(new)))
    name = pl.Series([new[a] for a in fresh["account_id"]], dtype=pl.String)
    own = {"account_id": "acct_", "org_id": "org_", "payment_fingerprint": "pm_"}
    fresh = fresh.with_columns(**{column: pl.lit(prefix) + name for column, prefix in own.items()})
    pl.concat([accounts, fresh]).sort("account_id").write_ndjson(out / "accounts.ndjson")


def _write_truth(out: Path, truth: Json, owner: dict[str, str], first: dict[str, float], new: dict[str, str]) -> None:
    for account, name in new.items():
        times = truth["attack_times"][account]
        fresh = f"acct_{name}"
        truth["attack_times"][account] = [t for t in times if t < first[account]]
        truth["attack_times"][fresh] = [t for t in times if t >= first[account]]
        truth["campaigns"][owner[account]].append(fresh)
        truth["archetype"][fresh] = truth["archetype"][account]
    (out / "truth.json").write_text(json.dumps(truth, sort_keys=True))
