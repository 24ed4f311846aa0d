"""A cursor over one file: decoded batches one after the other, and a cheap look at its first event time."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from streams.adapters.reader import Reader
from streams.batch import Batch, DeadLetter, digest
from streams.decode import MAX_LINE, Origin, decode_lines
from streams.exchange import EXCHANGE_SCHEMA
from streams.sources import NoColumnError, SourceError
from streams.sources.blocks import blocks
from streams.sources.compressed import CORRUPT, opened
from streams.sources.parquet import parquet_batches

_PEEK_BYTES = 1 << 17


def decoded(path: Path, size: int, key: bytes, read: Reader = decode_lines, *, stray: bool = False) -> Iterator[Batch]:
    """Batches of one file in the order of its records.

    Args:
        path: the file.
        size: bytes of the chunks that are decoded at a time.
        key: of the digests.
        read: how lines become a batch; Parquet holds the contract's columns whatever it says.
        stray: nobody has named the file: one that lacks a required column is a dead letter and no error.

    Raises:
        SourceError: the file cannot be opened, or lacks a required column.
    """
    try:
        yield from parquet_batches(path, key) if path.suffix == ".parquet" else _lines(path, size, key, read)
    except NoColumnError as error:
        if not stray:
            raise
        found, detail = digest(key, str(path).encode()), ", ".join(error.missing)
        letter = DeadLetter(str(path), 1, "missing_field", path.stat().st_size, found, detail)
        yield Batch(pl.DataFrame(schema=EXCHANGE_SCHEMA), [letter], 1)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error


def _lines(path: Path, size: int, key: bytes, read: Reader) -> Iterator[Batch]:
    for block in blocks(path, size, key):
        batch = read(block.data, Origin(str(path), block.first, key, block.lines))
        batch.dead += block.dead
        batch.read += len(block.dead)
        yield batch


def first_time(path: Path, key: bytes, read: Reader = decode_lines) -> int | None:
    """Event time of the first record that can be read, µs; None where there is none near the beginning.

    Args:
        path: the file.
        key: of the digests.
        read: as in `decoded`, but not the same one: it may remember what it saw.
    """
    try:
        if path.suffix == ".parquet":
            batch = next(parquet_batches(path, key), None)
        else:
            with opened(path) as file:
                # Not by readline: the zstd reader has none.
                head = file.read(_PEEK_BYTES)
                while head and b"\n" not in head[-_PEEK_BYTES:] and len(head) < MAX_LINE:
                    piece = file.read(_PEEK_BYTES)
                    if not piece:
                        break
                    head += piece
            head = head.removeprefix(BOM_UTF8)
            head = head[: head.rfind(b"\n") + 1] or head
            batch = read(head, Origin(str(path), 1, key))
    except (EOFError, OSError, ValueError, RuntimeError, NoColumnError, *CORRUPT):
        return None
    if batch is None or batch.frame.height == 0:
        return None
    value = batch.frame["ts"].dt.epoch("us").min()
    return int(value) if isinstance(value, int) else None
