"""Identifiers are texts or numbers: objects, lists, true and false would come out of a reader as their JSON, and name somebody."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from streams.exchange import IDENTIFIERS

NAMES: Final = frozenset({*IDENTIFIERS, "payment_fingerprint"})


def _looks_like_json(name: str) -> pl.Expr:
    text = pl.col(name)
    return text.str.starts_with("{") | text.str.starts_with("[") | (text == "true") | (text == "false")


def suspects(frame: pl.DataFrame) -> list[tuple[int, dict[str, Any]]]:
    """Rows with an identifier that looks like JSON, and their identifiers: it may be that, or a text that only looks so."""
    names = sorted(NAMES & set(frame.columns))
    # Nearly no chunk has one, and a look at each column by itself is the fastest that says so.
    if not any(frame.select(_looks_like_json(name).any() for name in names).row(0)):
        return []
    rows = frame.select(pl.any_horizontal(_looks_like_json(name) for name in names)).to_series().arg_true()
    return list(zip(rows, frame.select(names)[rows].iter_rows(named=True), strict=True))


def wrong(read: Mapping[str, Any], record: Mapping[str, Any]) -> str | None:
    """The first identifier of a row that its record does not hold as the same text; None where all do.

    Args:
        read: its identifiers as they were read.
        record: the JSON object itself.
    """
    for name, text in read.items():
        if name in NAMES and text is not None and _is_json(text) and record.get(name) != text:
            return name
    return None


def _is_json(text: str) -> bool:
    return text.startswith(("{", "[")) or text in ("true", "false")
