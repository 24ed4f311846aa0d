"""The account and event files."""

from pathlib import Path

import msgspec
import polars as pl

from streams.account import ACCOUNT_SCHEMA
from streams.batch import DeadLetter, digest
from streams.event import EVENT_SCHEMA
from streams.fields import TIME
from streams.sources import SourceError
from streams.sources.compressed import opened
from streams.validate import as_time

_TEXT = pl.String()


Letters = list[DeadLetter] | None


def _read(path: Path, schema: dict[str, pl.DataType], dead: Letters) -> pl.DataFrame:
    """Raw columns: times and lists as text, all else as declared."""
    loose = {k: _TEXT if v == TIME or isinstance(v, pl.List) else v for k, v in schema.items()}
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        with opened(path) as file:
            data = file.read()
    except (OSError, EOFError) as error:
        raise SourceError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        return pl.read_ndjson(data, schema=loose)
    except pl.exceptions.PolarsError as error:
        if dead is None:
            raise SourceError(f"{path}:{_bad_line(data)}: not a record: {str(error).splitlines()[0]}") from error
        return _by_line(path, data, loose, dead)


def _by_line(path: Path, data: bytes, loose: dict[str, pl.DataType], dead: list[DeadLetter]) -> pl.DataFrame:
    """The lines that can be read; the others become dead letters."""
    lines = data.split(b"\n")
    pending = [[i for i, line in enumerate(lines) if line.strip()]]
    good = [pl.DataFrame(schema=loose)]
    while pending:
        part = pending.pop()
        try:
            good.append(pl.read_ndjson(b"\n".join([b"", *(lines[i] for i in part)]), schema=loose))
        except pl.exceptions.PolarsError:
            if len(part) == 1:
                line = lines[part[0]]
                reason = "wrong_type" if _is_object(line) else "not_json"
                dead.append(DeadLetter(str(path), part[0] + 1, reason, len(line), digest(b"", line)))
            else:
                middle = len(part) // 2
                pending += [part[middle:], part[:middle]]
    return pl.concat(good)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False


def _bad_line(data: bytes) -> int:
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            if line.strip() and not isinstance(msgspec.json.decode(line), dict):
                return number
        except (msgspec.DecodeError, ValueError, RecursionError):
            return number
    return 1


def _times(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> list[pl.Expr]:
    return [
        (pl.col(name).cast(TIME) if isinstance(frame.schema[name], pl.Datetime) else as_time(pl.col(name))).alias(name)
        for name, dtype in schema.items()
        if dtype == TIME and name in frame.columns
    ]


def _complete(frame: pl.DataFrame, schema: dict[str, pl.DataType], path: Path) -> pl.DataFrame:
    required = "account_id" if "account_id" in schema and "kind" not in schema else "kind"
    if required not in frame.columns:
        raise SourceError(f"{path}: required field {required} is missing")
    frame = frame.with_columns(_times(frame, schema))
    frame = frame.with_columns(pl.lit(None, d).alias(n) for n, d in schema.items() if n not in frame.columns)
    return frame.select(pl.col(n).cast(d) if not isinstance(d, pl.List) else pl.col(n) for n, d in schema.items())


def _kept(frame: pl.DataFrame, needed: str, path: Path, dead: Letters) -> pl.DataFrame:
    """Rows that have what they need; the others are told by their number among the readable ones."""
    missing = frame[needed].is_null()
    if dead is not None:
        name = str(path).encode()
        dead += [
            DeadLetter(str(path), row + 1, "missing_field", 0, digest(b"", name), needed)
            for row in missing.arg_true().to_list()
        ]
    return frame.filter(~missing)


def _allowances(text: str | None) -> list[dict[str, object]]:
    if not text:
        return []
    try:
        value = msgspec.json.decode(text.encode())
    except msgspec.DecodeError:
        return []
    out: list[dict[str, object]] = []
    for item in value if isinstance(value, list) else []:
        if isinstance(item, str):
            out.append({"name": item, "owner": None, "expires_at": None, "scope": None})
        elif isinstance(item, dict) and isinstance(item.get("name"), str):
            out.append(
                {k: None if item.get(k) is None else str(item[k]) for k in ("name", "owner", "expires_at", "scope")}
            )
    return out


def read_accounts(path: Path, dead: Letters = None) -> pl.DataFrame:
    """Account versions in the canonical schema.

    Args:
        path: NDJSON, also compressed, or Parquet.
        dead: receives what cannot be read; where it is not given, a bad line is an error.

    Raises:
        SourceError: the file cannot be read; the message names file and line.
    """
    raw = _read(path, ACCOUNT_SCHEMA, dead)
    lists = pl.Series("allowances", [None], dtype=pl.String).new_from_index(0, raw.height)
    if "allowances" in raw.columns and raw.schema["allowances"] == pl.String:
        lists = raw["allowances"]
    parsed = pl.Series(
        "allowances",
        [_allowances(t) for t in lists],
        dtype=pl.List(pl.Struct({"name": _TEXT, "owner": _TEXT, "expires_at": _TEXT, "scope": _TEXT})),
    )
    frame = _complete(raw.with_columns(parsed), ACCOUNT_SCHEMA, path)
    expires = pl.element().struct.with_fields(parse_time_field("expires_at"))
    return _kept(frame.with_columns(pl.col("allowances").list.eval(expires)), "account_id", path, dead)


def parse_time_field(name: str) -> pl.Expr:
    """A text field of a struct as time."""
    iso = pl.field(name).str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    seconds = pl.field(name).cast(pl.Float64, strict=False) * 1_000_000
    return pl.coalesce(iso, pl.from_epoch(seconds.cast(pl.Int64), time_unit="us").dt.replace_time_zone("UTC")).alias(
        name
    )


def read_events(path: Path, dead: Letters = None) -> pl.DataFrame:
    """Events in the canonical schema, sorted by time.

    Args:
        path: NDJSON, also compressed, or Parquet.
        dead: receives what cannot be read; where it is not given, a bad line is an error.

    Raises:
        SourceError: the file cannot be read; the message names file and line.
    """
    frame = _complete(_read(path, EVENT_SCHEMA, dead), EVENT_SCHEMA, path)
    return _kept(frame, "ts", path, dead).sort("ts")
