"""Random columns for the laws of profiles: no text, no files."""

from itertools import pairwise

import numpy as np
import polars as pl

from detector.profiles.layout import FLAGS, MODEL_BINS, Columns
from detector.profiles.store import ProfileStore

START = 1_780_272_000_000_000
U64 = np.iinfo(np.uint64).max


def random_exchanges(seed: int, n: int, accounts: int = 7, days: float = 5.0) -> dict[str, np.ndarray]:
    """Raw columns in time order, without slots."""
    rng = np.random.default_rng(seed)
    few = rng.integers(1, U64, 40, dtype=np.uint64)
    return {
        "account": rng.integers(0, accounts, n),
        "ts": np.sort(START + rng.integers(0, int(days * 86_400e6), n)),
        "flags": rng.integers(0, 1 << len(FLAGS), n).astype(np.uint32),
        "tokens_in": rng.integers(0, 9000, n),
        "tokens_out": rng.integers(0, 9000, n),
        "hashes": few[rng.integers(0, 40, (n, 10))],
        "model": rng.integers(0, MODEL_BINS, n).astype(np.uint8),
        "short": rng.integers(1, 6, (n, 2)).astype(np.uint32),
        "shingles": rng.integers(1, 9, (n, 3)).astype(np.uint32),
        "lexical": rng.integers(0, 32, (n, 4)).astype(np.uint8),
        "topic": rng.integers(0, 64, n).astype(np.uint8),
        "capability": rng.integers(0, 256, (n, 8)).astype(np.uint8),
        "artefacts": rng.integers(1, 1 << 56, 60, dtype=np.uint64)[rng.integers(0, 60, (n, 3))],
    }


def columns_of(store: ProfileStore, raw: dict[str, np.ndarray], rows: np.ndarray) -> Columns:
    """Kernel columns of some rows, with slots of `store`."""
    idents = raw["account"][rows].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)
    slots = store.slots_of(idents, pl.Series([f"acct_{a}" for a in raw["account"][rows]], dtype=pl.String))
    h = raw["hashes"][rows]
    n = len(rows)
    return Columns(
        slot=slots,
        ts=raw["ts"][rows],
        # Some accounts are seen under two organisations, some exchanges under none.
        organisation=(h[:, 5] % 16 > 1) * (1 + raw["account"][rows] + 1000 * (h[:, 5] % 64 == 2)).astype(np.uint32),
        flags=raw["flags"][rows],
        tokens_in=raw["tokens_in"][rows],
        tokens_out=raw["tokens_out"][rows],
        address=h[:, 0].copy(),
        network=h[:, 1].copy(),
        tls=h[:, 2].copy(),
        key=h[:, 3].copy(),
        end_user=h[:, 4].copy(),
        conversation=h[:, 5].copy(),
        route=h[:, 6].copy(),
        model=raw["model"][rows],
        prompt=h[:, 7].copy(),
        skeleton=h[:, 8].copy(),
        system=h[:, 9].copy(),
        prefix=raw["short"][rows, 0].copy(),
        suffix=raw["short"][rows, 1].copy(),
        shingles=raw["shingles"][rows].ravel().copy(),
        shingle_offsets=np.arange(n + 1, dtype=np.int64) * 3,
        lexical=raw["lexical"][rows].ravel().copy(),
        lexical_offsets=np.arange(n + 1, dtype=np.int64) * 4,
        topic=raw["topic"][rows],
        capability=raw["capability"][rows],
        issued=raw["artefacts"][rows, 0].copy(),
        issued_offsets=np.arange(n + 1, dtype=np.int64),
        presented=raw["artefacts"][rows, 1:].ravel().copy(),
        presented_offsets=np.arange(n + 1, dtype=np.int64) * 2,
    )


def store_of(raw: dict[str, np.ndarray], rows: np.ndarray | None = None, cuts: tuple[int, ...] = ()) -> ProfileStore:
    """A store that has seen some rows, in slices cut at `cuts`."""
    store = ProfileStore()
    rows = np.arange(len(raw["ts"])) if rows is None else rows
    if len(rows) == 0:
        return store
    columns = columns_of(store, raw, rows)
    bounds = [0, *sorted(min(c, len(rows)) for c in cuts), len(rows)]
    for a, b in pairwise(bounds):
        store.add(columns, a, b)
    return store


def snapshot(store: ProfileStore, *, ordered: bool = True) -> dict[str, dict[str, object]]:
    """Everything a store knows, by account id and pane, free of slot and row numbers.

    Args:
        store: the store.
        ordered: with the parts that need each account's records in time order.
    """
    out: dict[str, dict[str, object]] = {}
    skip_panes = {"slot", "index", "gap_sums"} | (set() if ordered else {"gaps", "minute"})
    gap_counts = slice(None) if ordered else slice(0, len(FLAGS) + 1)
    for s, name in enumerate(store.ids):
        entry: dict[str, object] = {
            "first": int(store.accounts.first[s]),
            "last": int(store.accounts.last[s]),
            "network": store.accounts.network[s].tolist(),
            "tls": store.accounts.tls[s].tolist(),
            "texts": int(store.accounts.texts[s]),
        }
        for row in store.accounts.pane[s]:
            if row < 0:
                continue
            for field, array in store.panes._asdict().items():
                if field in skip_panes:
                    continue
                value = array[row, gap_counts] if field == "counts" else array[row]
                entry[f"{int(store.panes.index[row])}:{field}"] = value.tolist()
        out[name] = entry
    return out
