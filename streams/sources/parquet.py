"""Batches of a Parquet file: its columns as the contract has them, as strict as JSON, and what is broken told and passed over."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from streams.batch import Batch, DeadLetter, digest
from streams.exchange import EXCHANGE_SCHEMA, MESSAGES, REQUIRED
from streams.fields import TIME
from streams.identifiers import NAMES
from streams.messages import fill_from_messages
from streams.repair import repaired
from streams.sources import NoColumnError
from streams.sources.arrow_times import plain_times
from streams.validate import canonical, reasons

_ROWS = 32_768
_EXCHANGE: Final = {**EXCHANGE_SCHEMA, MESSAGES: pl.String()}
# Rows of a group that cannot be read: writers make none that is larger, and a broken footer may say any number.
_MOST = 1 << 20
_BROKEN = (pa.ArrowException, pl.exceptions.PolarsError, OSError)
# A type that nobody thought of must not end a run; polars' panics are no `Exception`.
_UNFIT = (*_BROKEN, pl.exceptions.PanicException, ValueError, TypeError, OverflowError)


@dataclass(frozen=True)
class Rows:
    """Rows of a Parquet file.

    Attributes:
        frame: their columns; null where a value does not fit.
        first: number of the first one, from 1.
        lost: by row the first column whose value does not fit.
    """

    frame: pl.DataFrame
    first: int
    lost: pl.Series

    def refusing(self, why: pl.Series, detail: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Reasons and fields by row, with those of values that do not fit before all others."""
        lost = pl.col("lost").is_not_null()
        out = pl.DataFrame({"lost": self.lost, "why": why, "detail": detail}).select(
            pl.when(lost).then(pl.lit("wrong_type")).otherwise("why").alias("why"),
            pl.when(lost).then("lost").otherwise("detail").alias("detail"),
        )
        return out["why"], out["detail"]


def parquet_batches(path: Path, key: bytes) -> Iterator[Batch]:
    """Batches of exchanges of a Parquet file in the order of its rows.

    Args:
        path: the file.
        key: of the digests.

    Raises:
        OSError: the system refuses the file.
        NoColumnError: it lacks a required column.
    """
    for part in parquet_parts(path, _EXCHANGE, REQUIRED, key):
        if isinstance(part, Rows):
            yield _validated(part, path, key)
        else:
            yield Batch(pl.DataFrame(schema=EXCHANGE_SCHEMA), part, len(part))


def parquet_parts(
    path: Path, schema: Mapping[str, pl.DataType], required: Sequence[str], key: bytes
) -> Iterator[Rows | list[DeadLetter]]:
    """Rows of a Parquet file as a schema has them.

    Each row that cannot be read is a dead letter, so that a row group that is broken is as many as it has rows; the others are read.

    Args:
        path: the file.
        schema: of the columns; others are passed over, times may come as text.
        required: columns that must be there.
        key: of the digests.

    Raises:
        OSError: the system refuses the file.
        NoColumnError: it lacks a required column.
    """
    try:
        file = pq.ParquetFile(path)
    except _BROKEN as error:
        _raise_own(error)
        yield [row_letter(path, 1, "corrupt", key, length=path.stat().st_size)]
        return
    with file:
        missing = [name for name in required if name not in file.schema_arrow.names]
        if missing:
            raise NoColumnError(f"{path}: required column {missing[0]} is missing", missing)
        first = 1
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            yield from _group(file, group, path, schema, range(first, first + rows), key)
            first += rows


def _group(
    file: pq.ParquetFile, group: int, path: Path, schema: Mapping[str, pl.DataType], rows: range, key: bytes
) -> Iterator[Rows | list[DeadLetter]]:
    wanted = [name for name in file.schema_arrow.names if name in schema]
    row = rows.start
    try:
        for part in file.iter_batches(_ROWS, row_groups=[group], columns=wanted):
            for piece, sound in _sound(part):
                if sound:
                    yield _fitted(piece, row, schema) or _refused(path, piece.num_rows, row, "corrupt", key)
                else:
                    yield _refused(path, piece.num_rows, row, "invalid_utf8", key)
                row += piece.num_rows
    except _BROKEN as error:
        _raise_own(error)
        if rows.stop - row > _MOST:
            yield [row_letter(path, row, "corrupt", key, f"rows {row} to {rows.stop - 1}")]
            return
        for start in range(row, rows.stop, _ROWS):
            yield _refused(path, min(_ROWS, rows.stop - start), start, "corrupt", key)


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


def row_letter(path: Path, row: int, reason: str, key: bytes, detail: str = "", length: int = 0) -> DeadLetter:
    """The dead letter of a row, which has no bytes of its own: its digest is that of its place."""
    return DeadLetter(str(path), row, reason, length, digest(key, f"{path}:{row}".encode()), detail)


def _refused(path: Path, count: int, first: int, reason: str, key: bytes) -> list[DeadLetter]:
    return [row_letter(path, row, reason, key) for row in range(first, first + count)]


def _raise_own(error: Exception) -> None:
    if isinstance(error, OSError) and error.errno is not None:
        raise error  # the system's own; pyarrow's carry no number


def _fitted(part: pa.RecordBatch, first: int, schema: Mapping[str, pl.DataType]) -> Rows | None:
    """The rows as a schema has them; None where a column's type is beyond what can be converted."""
    try:
        raw = pl.DataFrame(pl.from_arrow(plain_times(part)))
        frame = pl.DataFrame([_converted(column, schema[column.name]) for column in raw])
        return Rows(frame, first, _lost(raw, frame))
    except _UNFIT:
        return None


def _validated(rows: Rows, path: Path, key: bytes) -> Batch:
    frame = fill_from_messages(rows.frame) if MESSAGES in rows.frame.columns else rows.frame
    frame, changed = repaired(frame)
    frame, why, detail = reasons(frame)
    why, detail = rows.refusing(why, detail)
    refused = why.is_not_null()
    dead = [
        row_letter(path, rows.first + i, reason, key, name or "")
        for i, reason, name in zip(
            refused.arg_true().to_list(), why.filter(refused), detail.filter(refused), strict=True
        )
    ]
    return Batch(canonical(frame.filter(~refused)), dead, frame.height, repaired=changed)


def _lost(raw: pl.DataFrame, frame: pl.DataFrame) -> pl.Series:
    """By row the first column whose value does not fit, null where all do."""
    lost = pl.Series("lost", [None], dtype=pl.String).new_from_index(0, raw.height)
    for name in raw.columns:
        if frame[name].null_count() > raw[name].null_count():
            here = frame[name].is_null() & raw[name].is_not_null() & lost.is_null()
            lost = lost.set(here, name)
    return lost


def _converted(column: pl.Series, wanted: pl.DataType) -> pl.Series:
    """A column as a schema has it, a time perhaps as text; null where a value does not fit."""
    found = column.dtype
    if wanted == TIME:
        if isinstance(found, pl.Datetime):
            return column
        return _text(column)
    if found.is_float():
        column = _filtered(column, column.is_finite())
    if wanted == pl.String():
        return _nothing(column, wanted) if column.name in NAMES and _is_json(found) else _text(column)
    if not _fits(found, wanted):
        return _nothing(column, wanted)
    if wanted == pl.Int64() and (found.is_float() or found.is_decimal()):
        column = _filtered(column, column == column.floor())
    return column.cast(wanted, strict=False)


def _nothing(column: pl.Series, wanted: pl.DataType) -> pl.Series:
    return pl.Series(column.name, [None], dtype=wanted).new_from_index(0, column.len())


def _is_json(found: pl.DataType) -> bool:
    """Whether values would be text as JSON only, see `streams.identifiers`."""
    return found.is_nested() or found == pl.Boolean()


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
    if isinstance(column.dtype, pl.Duration):
        return _nothing(column, pl.String())
    return column.cast(pl.String)


def _utf8(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None
