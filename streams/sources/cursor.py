"""A cursor over one file: decoded batches one after the other, and a cheap look at its first event time."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from streams.batch import Batch, DeadLetter, digest
from streams.decode import Origin, decode_lines
from streams.exchange import EXCHANGE_SCHEMA, MESSAGES, REQUIRED
from streams.messages import fill_from_messages
from streams.sources import SourceError
from streams.sources.blocks import blocks
from streams.sources.compressed import CORRUPT, opened
from streams.validate import canonical, reasons

_PEEK_BYTES = 1 << 17
_ROWS = 32_768


def decoded(path: Path, size: int, key: bytes) -> Iterator[Batch]:
    """Batches of one file in the order of its records.

    Raises:
        SourceError: the file cannot be opened, or lacks a required column.
    """
    try:
        yield from _parquet(path, key) if path.suffix == ".parquet" else _lines(path, size, key)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error


def _lines(path: Path, size: int, key: bytes) -> Iterator[Batch]:
    for block in blocks(path, size, key):
        batch = decode_lines(block.data, Origin(str(path), block.first, key))
        batch.dead += block.dead
        batch.read += len(block.dead)
        yield batch


def _parquet(path: Path, key: bytes) -> Iterator[Batch]:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid:
        size = path.stat().st_size
        letter = DeadLetter(str(path), 1, "corrupt", size, digest(key, str(path).encode()))
        yield Batch(pl.DataFrame(schema=EXCHANGE_SCHEMA), [letter], 1)
        return
    with file:
        missing = [name for name in REQUIRED if name not in file.schema_arrow.names]
        if missing:
            raise SourceError(f"{path}: required column {missing[0]} is missing")
        wanted = [name for name in file.schema_arrow.names if name in EXCHANGE_SCHEMA or name == MESSAGES]
        row = 1
        for part in file.iter_batches(_ROWS, columns=wanted):
            raw = pl.from_arrow(part)
            if not isinstance(raw, pl.DataFrame):
                raise SourceError(f"{path}: not a table")
            yield _validated(raw, str(path), row, key)
            row += raw.height


def _validated(raw: pl.DataFrame, name: str, row: int, key: bytes) -> Batch:
    if MESSAGES in raw.columns:
        raw = fill_from_messages(raw.with_columns(_as_json(raw[MESSAGES])))
    casts = [_cast(column, raw.schema[column]) for column in raw.columns]
    frame = raw.select(casts)
    lost = pl.any_horizontal(
        (frame[c].is_null() & raw[c].is_not_null()) | (raw[c].is_nan() if raw.schema[c].is_float() else False)
        for c in raw.columns
        if c != "ts"
    )
    frame, why, detail = reasons(frame)
    broken = (
        raw.select(lost.alias("lost"))["lost"] if raw.width > 1 else pl.Series([False]).new_from_index(0, raw.height)
    )
    why = why.set(broken & why.is_null(), "wrong_type") if broken.any() else why
    refused = why.is_not_null()
    dead = [
        DeadLetter(name, row + i, reason, 0, digest(key, f"{name}:{row + i}".encode()), where or "")
        for i, reason, where in zip(
            refused.arg_true().to_list(), why.filter(refused), detail.filter(refused), strict=True
        )
    ]
    return Batch(canonical(frame.filter(~refused)), dead, raw.height)


def _cast(name: str, found: pl.DataType) -> pl.Expr:
    if name == "ts":
        if isinstance(found, pl.Datetime):
            utc = pl.col(name) if found.time_zone else pl.col(name).dt.replace_time_zone("UTC")
            return utc.dt.convert_time_zone("UTC").cast(EXCHANGE_SCHEMA["ts"])
        return pl.col(name).cast(pl.String)
    if found.is_float() and EXCHANGE_SCHEMA[name] == pl.Int64():
        whole = pl.when(pl.col(name) == pl.col(name).floor()).then(pl.col(name))
        return whole.cast(pl.Int64, strict=False).alias(name)
    return pl.col(name).cast(EXCHANGE_SCHEMA[name], strict=False)


def _as_json(messages: pl.Series) -> pl.Series:
    """Messages as JSON text, however the file nests them."""
    if messages.dtype == pl.String:
        return messages
    texts = [None if m is None else msgspec.json.encode(m).decode() for m in messages.to_list()]
    return pl.Series(MESSAGES, texts, dtype=pl.String)


def first_time(path: Path, key: bytes) -> int | None:
    """Event time of the first record that can be read, µs; None where there is none near the beginning."""
    try:
        if path.suffix == ".parquet":
            batch = next(_parquet(path, key), None)
        else:
            with opened(path) as file:
                # Not by readline: the zstd reader has none.
                head = file.read(_PEEK_BYTES)
            head = head[: head.rfind(b"\n") + 1] or head
            batch = decode_lines(head, Origin(str(path), 1, key))
    except (EOFError, OSError, ValueError, RuntimeError, *CORRUPT):
        return None
    if batch is None or batch.frame.height == 0:
        return None
    value = batch.frame["ts"].dt.epoch("us").min()
    return int(value) if isinstance(value, int) else None
