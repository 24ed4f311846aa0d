"""A small file of records read whole: each row checked by itself, what is refused told with file, line and reason."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from streams.batch import DeadLetter
from streams.decode import Bad, Origin, letters, read_lines
from streams.fields import TIME
from streams.sources import SourceError
from streams.sources.blocks import blocks
from streams.sources.parquet import Rows, parquet_parts, row_letter
from streams.validate import as_time, is_far

_BLOCK = 24 << 20  # bytes
_UNKEYED: Final = b""  # these files are the provider's own; there is no salt yet when they are read


@dataclass(frozen=True)
class Kind:
    """How records of a kind are read.

    Attributes:
        schema: canonical columns; lists are handed to `check` as JSON text.
        required: fields that no record may lack.
        check: takes the columns and gives them as canonical, with a reason and a field for each row that is to be refused.
    """

    schema: Mapping[str, pl.DataType]
    required: Sequence[str]
    check: Callable[[pl.DataFrame], tuple[pl.DataFrame, pl.Series, pl.Series]]


def read_table(path: Path, kind: Kind, dead: list[DeadLetter] | None = None) -> pl.DataFrame:
    """The rows of a file that can be read.

    Args:
        path: NDJSON, also compressed, or Parquet.
        kind: of its records.
        dead: receives the others; where it is not given, one of them is an error.

    Raises:
        SourceError: the file cannot be read; the message names file and line.
    """
    good = [pl.DataFrame(schema=kind.schema)]
    try:
        for frame, refused in _parts(path, kind):
            if refused and dead is None:
                first = refused[0]
                raise SourceError(f"{path}:{first.position}: {first.reason} {first.detail}".rstrip())
            if dead is not None:
                dead += refused
            good.append(frame)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    return pl.concat(good)


def _parts(path: Path, kind: Kind) -> Iterator[tuple[pl.DataFrame, list[DeadLetter]]]:
    if path.suffix == ".parquet":
        for part in parquet_parts(path, _loose(kind), kind.required, _UNKEYED):
            yield _rows(part, path, kind) if isinstance(part, Rows) else (pl.DataFrame(schema=kind.schema), part)
        return
    for block in blocks(path, _BLOCK, _UNKEYED):
        frame, told = read_rows(block.data, Origin(str(path), block.first, _UNKEYED), kind)
        yield frame, sorted([*told, *block.dead], key=lambda d: d.position)


def read_rows(data: bytes, origin: Origin, kind: Kind) -> tuple[pl.DataFrame, list[DeadLetter]]:
    """The rows of lines that can be read, and letters of the others.

    Args:
        data: one JSON object a line.
        origin: where they come from.
        kind: of its records.
    """
    read = read_lines(data, {k: pl.String() if v == TIME else v for k, v in _loose(kind).items()})
    frame, why, field = _checked(read.frame, kind)
    at = read.positions if read.positions is not None else range(frame.height)
    bad = read.bad + [(at[i], Bad(reason, name)) for i, reason, name in _refused(why, field)]
    return frame.filter(why.is_null()), letters(bad, data, origin) if bad else []


def _loose(kind: Kind) -> dict[str, pl.DataType]:
    return {k: pl.String() if isinstance(v, pl.List) else v for k, v in kind.schema.items()}


def _rows(rows: Rows, path: Path, kind: Kind) -> tuple[pl.DataFrame, list[DeadLetter]]:
    frame, why, field = _checked(rows.frame, kind)
    why, field = rows.refusing(why, field)
    told = [row_letter(path, rows.first + i, reason, _UNKEYED, name) for i, reason, name in _refused(why, field)]
    return frame.filter(why.is_null()), told


def _refused(why: pl.Series, field: pl.Series) -> Iterator[tuple[int, str, str]]:
    rows = why.is_not_null()
    return zip(rows.arg_true().to_list(), why.filter(rows), field.filter(rows).fill_null(""), strict=True)


def _checked(raw: pl.DataFrame, kind: Kind) -> tuple[pl.DataFrame, pl.Series, pl.Series]:
    """Canonical columns, and the reason and field of the first thing that is wrong with each row."""
    absent = [
        pl.lit(None, pl.String() if v == TIME else v).alias(k) for k, v in kind.schema.items() if k not in raw.columns
    ]
    raw = raw.with_columns(absent)
    times = [k for k, v in kind.schema.items() if v == TIME]
    texts = [k for k in times if raw.schema[k] == pl.String()]
    frame = raw.with_columns(as_time(pl.col(k)).alias(k) for k in texts)
    frame, why, field = kind.check(frame)
    checks = [(raw[k].is_null() | (raw[k].cast(pl.String) == ""), "missing_field", k) for k in kind.required]
    checks += [(frame[k].is_null() & raw[k].is_not_null(), "ts_unreadable", k) for k in texts]
    checks += [(frame.select(is_far(pl.col(k)))[k], "ts_out_of_range", k) for k in times]
    for test, reason, name in reversed(checks):
        why, field = why.set(test, reason), field.set(test, name)
    return frame.select(list(kind.schema)), why, field
