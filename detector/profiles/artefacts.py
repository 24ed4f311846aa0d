"""Reasoning artefacts of a batch as keyed hashes: blocks of hidden reasoning that answers issue and later requests present again."""

from typing import NamedTuple

import numpy as np
import polars as pl

from detector.profiles.hashing import hash_strings
from detector.profiles.layout import I64, U64

_SHIFT = np.uint64(8)  # a link key holds its kind in the top byte


class Artefacts(NamedTuple):
    """Hashes of all exchanges, one exchange after the other.

    Attributes:
        keys: u64[artefacts], 56 bits each, never 0.
        offsets: i64[exchanges + 1], where those of each exchange start; empty where there are no artefacts at all.
    """

    keys: U64
    offsets: I64


def no_artefacts() -> Artefacts:
    """Those of a log that has none: no column of a log without them takes room or time."""
    return Artefacts(np.zeros(0, np.uint64), np.zeros(0, np.int64))


def artefacts(refs: pl.Series, key: int) -> Artefacts:
    """Hash the artefacts of a batch; an empty name is none.

    Args:
        refs: lists of names, n of them, null where there are none.
        key: secret of the hashes.
    """
    if refs.null_count() == refs.len():
        return no_artefacts()
    named = refs.list.eval(pl.element().filter(pl.element().str.len_bytes() > 0))
    counts = named.list.len().fill_null(0).to_numpy()
    names = named.filter(counts > 0).explode()
    if names.is_empty():
        return no_artefacts()
    keys = np.maximum(hash_strings(names, key) >> _SHIFT, np.uint64(1))
    return Artefacts(keys, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
