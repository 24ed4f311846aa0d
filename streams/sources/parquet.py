"""Batches of a Parquet file: its columns as the contract has them, as strict as JSON, and what is broken told and passed over."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from streams.batch import Batch, DeadLetter, digest
from streams.exchange import EXCHANGE_SCHEMA, MESSAGES, REQUIRED
from streams.messages import fill_from_messages
from streams.sources import SourceError
from streams.validate import canonical, reasons

_ROWS = 32_768
_BROKEN = (pa.ArrowException, pl.exceptions.PolarsError, OSError)


def parquet_batches(path: Path, key: bytes) -> Iterator[Batch]:
    """Batches of a Parquet file in the order of its rows.

    What cannot be read of a row group is one dead letter, with the first and the last row; the other groups are read.

    Args:
        path: the file.
        key: of the digests.

    Raises:
        OSError: the system refuses the file.
        SourceError: it lacks a required column.
    """
    try:
        file = pq.ParquetFile(path)
    except _BROKEN as error:
        yield _broken(error, path, 1, key, length=path.stat().st_size)
        return
    with file:
        missing = [name for name in REQUIRED if name not in file.schema_arrow.names]
        if missing:
            raise SourceError(f"{path}: required column {missing[0]} is missing")
        first = 1
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            yield from _group(file, group, path, first, first + rows - 1, key)
            first += rows


def _group(file: pq.ParquetFile, group: int, path: Path, first: int, last: int, key: bytes) -> Iterator[Batch]:
    wanted = [name for name in file.schema_arrow.names if name in EXCHANGE_SCHEMA or name == MESSAGES]
    row = first
    try:
        for part in file.iter_batches(_ROWS, row_groups=[group], columns=wanted):
            for piece, sound in _sound(part):
                yield _rows(piece, path, row, key) if sound else _letter(path, row, "invalid_utf8", key)
                row += piece.num_rows
    except _BROKEN as error:
        yield _broken(error, path, row, key, f"rows {row} to {last}")


def _sound(part: pa.RecordBatch) -> Iterator[tuple[pa.RecordBatch, bool]]:
    """Halve until a part is sound or one row: polars takes texts for UTF-8 unseen."""
    pending = [part]
    while pending:
        part = pending.pop()
        try:
            part.validate(full=True)
        except pa.ArrowInvalid:
            if part.num_rows == 1:
                yield part, False
            else:
                middle = part.num_rows // 2
                pending += [part.slice(middle), part.slice(0, middle)]
        else:
            yield part, True


def _letter(path: Path, row: int, reason: str, key: bytes, detail: str = "", length: int = 0) -> Batch:
    letter = DeadLetter(str(path), row, reason, length, digest(key, f"{path}:{row}".encode()), detail)
    return Batch(pl.DataFrame(schema=EXCHANGE_SCHEMA), [letter], 1)


def _broken(error: Exception, path: Path, row: int, key: bytes, detail: str = "", length: int = 0) -> Batch:
    if isinstance(error, OSError) and error.errno is not None:
        raise error  # the system's own; pyarrow's carry no number
    return _letter(path, row, "corrupt", key, detail, length)


def _rows(part: pa.RecordBatch, path: Path, first: int, key: bytes) -> Batch:
    raw = pl.DataFrame(pl.from_arrow(part))
    frame = pl.DataFrame([_converted(column) for column in raw])
    lost = _lost(raw, frame)
    if MESSAGES in frame.columns:
        frame = fill_from_messages(frame)
    frame, why, detail = reasons(frame)
    why, detail = _first_of(lost, why, pl.lit("wrong_type")), _first_of(lost, detail, pl.col("lost"))
    refused = why.is_not_null()
    dead = [
        DeadLetter(str(path), first + i, reason, 0, digest(key, f"{path}:{first + i}".encode()), field or "")
        for i, reason, field in zip(
            refused.arg_true().to_list(), why.filter(refused), detail.filter(refused), strict=True
        )
    ]
    return Batch(canonical(frame.filter(~refused)), dead, raw.height)


def _lost(raw: pl.DataFrame, frame: pl.DataFrame) -> pl.Series:
    """By row the first column whose value does not fit, null where all do."""
    lost = pl.Series("lost", [None], dtype=pl.String).new_from_index(0, raw.height)
    for name in raw.columns:
        if frame[name].null_count() > raw[name].null_count():
            here = frame[name].is_null() & raw[name].is_not_null() & lost.is_null()
            lost = lost.set(here, name)
    return lost


def _first_of(lost: pl.Series, other: pl.Series, value: pl.Expr) -> pl.Series:
    chosen = pl.when(pl.col("lost").is_not_null()).then(value).otherwise("other")
    return pl.DataFrame({"lost": lost, "other": other}).select(chosen.alias("chosen"))["chosen"]


def _converted(column: pl.Series) -> pl.Series:
    """A column as the contract has it; null where a value does not fit."""
    name, found = column.name, column.dtype
    wanted = EXCHANGE_SCHEMA.get(name, pl.String())
    if name == "ts":
        if isinstance(found, pl.Datetime):
            utc = column if found.time_zone else column.dt.replace_time_zone("UTC")
            return utc.dt.convert_time_zone("UTC").cast(wanted)
        wanted = pl.String()
    elif found.is_float():
        column = _filtered(column, column.is_finite())
    if wanted == pl.String():
        return _text(column)
    if not _fits(found, wanted):
        return pl.Series(name, [None], dtype=wanted).new_from_index(0, column.len())
    if wanted == pl.Int64() and (found.is_float() or found.is_decimal()):
        column = _filtered(column, column == column.floor())
    return column.cast(wanted, strict=False)


def _filtered(column: pl.Series, good: pl.Series) -> pl.Series:
    return column.set(~good, None)


def _fits(found: pl.DataType, wanted: pl.DataType) -> bool:
    """Whether values of a type can be told as those of another; nothing that is true or false is a number, as in JSON."""
    if found == pl.Null():
        return True
    if isinstance(wanted, pl.List):
        return isinstance(found, pl.List | pl.Array) and not found.inner.is_nested()
    if wanted == pl.Boolean():
        return found == pl.Boolean()
    return found.is_numeric() or found == pl.String()


def _text(column: pl.Series) -> pl.Series:
    """Text; JSON of what is nested, however the file nests it."""
    if column.dtype.is_nested():
        values = [None if v is None else msgspec.json.encode(v).decode() for v in column.to_list()]
        return pl.Series(column.name, values, dtype=pl.String)
    if column.dtype == pl.Binary():
        return pl.Series(column.name, [None if v is None else _utf8(v) for v in column], dtype=pl.String)
    return column.cast(pl.String)


def _utf8(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None
