"""Lines of JSON to columns: one strict polars read for a chunk, and a slow path only for chunks that hold a bad line.

Integers written as 5.0 or 5e2 are read by a second, looser read of the chunk; only what fails that too is looked at line
by line, and only to find out which lines are bad and why.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec
import numpy as np
import polars as pl

_DEEPEST: Final = 64
_PART: Final = 1024  # lines that are read together once a chunk is known to hold a bad one
_INT64: Final = float(1 << 63)
FAULT: Final = "_fault"  # name of the field that does not fit, in a column of its own

Schema = dict[str, pl.DataType]


class Fault(NamedTuple):
    """Why a line is refused.

    Attributes:
        line: index in the chunk, from 0.
        reason: stable code.
        detail: field concerned, or empty.
    """

    line: int
    reason: str
    detail: str = ""


@dataclass
class Rows:
    """What a chunk held.

    Attributes:
        frame: one row a readable line, in the order of the lines.
        lines: index of each row's line in the chunk, from 0; None where row and line are the same.
        faults: lines that could not be read.
    """

    frame: pl.DataFrame
    lines: Sequence[int] | None
    faults: list[Fault] = field(default_factory=list)

    def line(self, row: int) -> int:
        """Index of a row's line."""
        return row if self.lines is None else self.lines[row]


def read_rows(data: bytes, schema: Schema) -> Rows:
    """Read a chunk of whole lines.

    Args:
        data: UTF-8, one JSON object a line; blank lines are skipped.
        schema: columns wanted; other keys are ignored, absent ones are null, objects in a text column become their JSON.

    Returns:
        Rows and faults: `not_json`, `not_object`, `invalid_utf8`, `wrong_type`, `too_deep`.
    """
    frame = _read(data, schema)
    if frame is not None and frame.height == data.count(b"\n") + (not data.endswith(b"\n")):
        return _split(Rows(frame, None))
    lines = data.split(b"\n")
    filled = [i for i, line in enumerate(lines) if line.strip()]
    if frame is not None and frame.height == len(filled):
        return _split(Rows(frame, filled))
    parts: list[tuple[list[int], pl.DataFrame]] = []
    faults: list[Fault] = []
    for start in range(0, len(filled), _PART):
        _sift(lines, filled[start : start + _PART], schema, parts, faults)
    frames = [part for _, part in parts]
    frame = pl.concat(frames, how="diagonal") if frames else pl.DataFrame(schema=schema)
    return _split(Rows(frame, [i for rows, _ in parts for i in rows], faults))


def _split(rows: Rows) -> Rows:
    """Turn rows with a field that does not fit into faults."""
    if FAULT not in rows.frame.columns:
        return rows
    fault = rows.frame[FAULT]
    frame = rows.frame.drop(FAULT)
    if fault.null_count() == fault.len():
        return Rows(frame, rows.lines, rows.faults)
    bad = fault.is_not_null()
    where = bad.arg_true().to_list()
    faults = [
        Fault(rows.line(i), "wrong_type", name) for i, name in zip(where, fault.drop_nulls().to_list(), strict=True)
    ]
    kept = [rows.line(i) for i in (~bad).arg_true().to_list()]
    return Rows(frame.filter(~bad), kept, [*rows.faults, *faults])


def _read(data: bytes, schema: Schema) -> pl.DataFrame | None:
    frame = _strict(data, schema)
    if frame is not None:
        return frame
    loose = {name: pl.Float64() if dtype == pl.Int64 else dtype for name, dtype in schema.items()}
    frame = _strict(data, loose)
    return None if frame is None else whole_numbers(frame, schema)


def _strict(data: bytes, schema: Schema) -> pl.DataFrame | None:
    try:
        return pl.read_ndjson(data, schema=schema)
    except pl.exceptions.PolarsError:
        return None


def whole_numbers(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Cast floating columns that shall be integers; `FAULT` names the first one whose value is none."""
    names = [n for n, dtype in schema.items() if dtype == pl.Int64 and frame.schema.get(n) in (pl.Float64, pl.Float32)]
    if not names:
        return frame
    fits = {n: (pl.col(n) == pl.col(n).round()) & (pl.col(n) >= -_INT64) & (pl.col(n) < _INT64) for n in names}
    first = pl.coalesce(pl.when(~fits[n]).then(pl.lit(n)) for n in names)
    return frame.with_columns(first.alias(FAULT), *(pl.col(n).cast(pl.Int64, strict=False) for n in names))


def _sift(
    lines: list[bytes],
    rows: list[int],
    schema: Schema,
    parts: list[tuple[list[int], pl.DataFrame]],
    faults: list[Fault],
) -> None:
    """Read a part; where that fails, without the lines that have a fault; where even that fails, by halves."""
    frame = _read(b"\n".join(lines[i] for i in rows), schema)
    if frame is not None and frame.height == len(rows):
        parts.append((rows, frame))
        return
    found = [fault for i in rows if (fault := _fault(i, lines[i], schema)) is not None]
    faults += found
    bad = {fault.line for fault in found}
    pending = [[i for i in rows if i not in bad]]
    while pending:
        part = pending.pop()
        if not part:
            continue
        frame = _read(b"\n".join(lines[i] for i in part), schema)
        if frame is not None and frame.height == len(part):
            parts.append((part, frame))
        elif len(part) == 1:
            faults.append(Fault(part[0], "not_json"))
        else:
            middle = len(part) // 2
            pending += [part[middle:], part[:middle]]


def _fault(index: int, line: bytes, schema: Schema) -> Fault | None:
    try:
        line.decode()
        value = msgspec.json.decode(line)
    except UnicodeDecodeError:
        return Fault(index, "invalid_utf8")
    except RecursionError:
        return Fault(index, "too_deep")
    except (msgspec.DecodeError, ValueError):
        return Fault(index, "too_deep" if _depth(line) > _DEEPEST else "not_json")
    if not isinstance(value, dict):
        return Fault(index, "not_object")
    for name, item in value.items():
        dtype = schema.get(name)
        if dtype is not None and item is not None and not _fits(item, dtype):
            return Fault(index, "wrong_type", name)
    return None


def _fits(value: object, dtype: pl.DataType) -> bool:
    """Whether a JSON value can stand in a column. Text columns take all: numbers as written, objects as JSON."""
    if dtype == pl.String:
        return True
    if isinstance(dtype, pl.List):
        return isinstance(value, list)
    if dtype == pl.Boolean or isinstance(value, bool):
        return dtype == pl.Boolean and isinstance(value, bool)
    if not isinstance(value, int | float):
        return False
    return dtype != pl.Int64 or (-_INT64 <= value < _INT64 and value == int(value))


def _depth(line: bytes) -> int:
    data = np.frombuffer(line, np.uint8)
    steps = np.isin(data, (0x5B, 0x7B)).astype(np.int64) - np.isin(data, (0x5D, 0x7D))
    return int(np.cumsum(steps).max(initial=0))
