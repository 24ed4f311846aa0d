"""The account and event files."""

from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from streams.account import ACCOUNT, ACCOUNT_SCHEMA, scope_of
from streams.batch import Batch, DeadLetter
from streams.decode import Origin
from streams.event import EVENT, EVENT_SCHEMA, KINDS
from streams.tables import Kind, read_rows, read_table
from streams.validate import EARLIEST, LATEST, as_time, is_far

_PARTS: Final = ("name", "owner", "expires_at")
_ALLOWANCES: Final = pl.List(pl.Struct(dict.fromkeys(_PARTS, pl.String()) | {"scope": pl.List(pl.String())}))


def _allowances(text: str | None) -> list[dict[str, str | list[str] | None]] | None:
    """Allowances of JSON text; None where it is not a list of names or of objects with a name, and with codes if any as scope."""
    if not text:
        return []
    try:
        value = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    if not isinstance(value, list):
        return [] if value is None else None
    out: list[dict[str, str | list[str] | None]] = []
    for item in value:
        given = {"name": item} if isinstance(item, str) else item
        if not isinstance(given, dict) or not isinstance(given.get("name"), str):
            return None
        parts = {k: None if given.get(k) is None else str(given[k]) for k in _PARTS}
        try:
            out.append({**parts, "scope": scope_of(given.get("scope"))})
        except TypeError:
            return None
    return out


def _check_account(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series, pl.Series]:
    """Allowances as structs; an account with one that cannot be read is refused, lest it hold for ever or not at all."""
    parsed = pl.Series("allowances", [_allowances(t) for t in frame["allowances"]], dtype=_ALLOWANCES)
    expires = pl.element().struct.field("expires_at")
    wrong = expires.is_not_null() & (as_time(expires).is_null() | is_far(as_time(expires)))
    timed = pl.element().struct.with_fields(as_time(pl.field("expires_at")).alias("expires_at"))
    lists = frame.select(
        parsed.alias("text"),
        parsed.list.eval(timed).alias("allowances"),
        parsed.list.eval(wrong).list.any().alias("wrong"),
    )
    why = pl.when(pl.col("text").is_null()).then(pl.lit("wrong_type")).when("wrong").then(pl.lit("ts_unreadable"))
    told = lists.select(why.alias("why")).with_columns(
        pl.when(pl.col("why").is_not_null()).then(pl.lit("allowances")).alias("field")
    )
    return frame.with_columns(lists["allowances"]), told["why"], told["field"]


def _check_event(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series, pl.Series]:
    """Times that make sense, and kinds that are known: a ban under another name would be passed over without a word."""
    outside = (pl.col("ts") < EARLIEST) | (pl.col("ts") >= LATEST)
    unknown = ~pl.col("kind").is_in(KINDS)
    told = frame.select(
        pl.when(outside).then(pl.lit("ts_out_of_range")).when(unknown).then(pl.lit("unknown_kind")).alias("why"),
        pl.when(outside).then(pl.lit("ts")).when(unknown).then(pl.lit("kind")).alias("field"),
    )
    return frame, told["why"], told["field"]


_ACCOUNTS: Final = Kind(ACCOUNT_SCHEMA, [f.name for f in ACCOUNT if f.required], _check_account)
_EVENTS: Final = Kind(EVENT_SCHEMA, [f.name for f in EVENT if f.required], _check_event)


def read_accounts(path: Path, dead: list[DeadLetter] | None = None) -> pl.DataFrame:
    """Account versions in the canonical schema.

    Args:
        path: NDJSON, also compressed, or Parquet.
        dead: receives what cannot be read; where it is not given, a bad line is an error.

    Raises:
        SourceError: the file cannot be read; the message names file and line.
    """
    return read_table(path, _ACCOUNTS, dead)


def decode_accounts(data: bytes, origin: Origin) -> Batch:
    """Account versions of lines, in the canonical schema, as a topic brings them."""
    frame, dead = read_rows(data, origin, _ACCOUNTS)
    return Batch(frame, dead, frame.height + len(dead))


def read_events(path: Path, dead: list[DeadLetter] | None = None) -> pl.DataFrame:
    """Events in the canonical schema, sorted by time.

    Args:
        path: NDJSON, also compressed, or Parquet.
        dead: receives what cannot be read; where it is not given, a bad line is an error.

    Raises:
        SourceError: the file cannot be read; the message names file and line.
    """
    return read_table(path, _EVENTS, dead).sort("ts", maintain_order=True)
