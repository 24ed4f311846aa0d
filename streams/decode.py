"""Lines of JSON to canonical columns: one strict polars read a chunk, and a slow path only for chunks that hold a bad line.

Reasons of dead letters: `not_json`, `not_object`, `invalid_utf8`, `wrong_type`, `missing_field`, `ts_unreadable`, `ts_out_of_range`,
`bad_id`, `negative`, `too_long`, `too_deep`; from files also `truncated` and `corrupt`.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from streams.batch import Batch, DeadLetter, digest
from streams.exchange import EXCHANGE_SCHEMA, MESSAGES
from streams.messages import fill_from_messages
from streams.validate import canonical, reasons

MAX_LINE: Final = 16 << 20
_DEEPEST = 64
_FEW = 64  # lines that are read one by one rather than halved again
_RAW: Final = {**{k: v for k, v in EXCHANGE_SCHEMA.items() if k != "n_tool_results"}, "ts": pl.String()}
_INT64 = 1 << 63


@dataclass(frozen=True)
class Origin:
    """Where a chunk comes from.

    Attributes:
        name: file or topic.
        first: position of its first line.
        key: of the digests.
    """

    name: str
    first: int
    key: bytes


@dataclass(frozen=True)
class _Bad:
    reason: str
    detail: str = ""


def raw_schema(data: bytes) -> dict[str, pl.DataType]:
    """Columns to read: `messages` only where a line has it."""
    return {**_RAW, MESSAGES: pl.String()} if b'"messages"' in data else _RAW


def decode_lines(data: bytes, origin: Origin) -> Batch:
    """Decode a chunk of whole lines.

    Args:
        data: UTF-8, one JSON object a line; blank lines are skipped.
        origin: for dead letters.

    Returns:
        Records in the order of the lines, not yet sorted by time.
    """
    schema = raw_schema(data)
    frame = _strict(data, schema)
    if frame is not None and frame.height == _count_lines(data):
        return _finish(frame, None, [], data, origin)
    lines = data.split(b"\n")
    filled = [i for i, line in enumerate(lines) if line.strip()]
    if frame is not None:
        return _finish(frame, filled, [], data, origin)
    good: list[tuple[list[int], pl.DataFrame]] = []
    bad: list[tuple[int, _Bad]] = []
    _divide(lines, filled, schema, good, bad)
    positions = [i for rows, _ in good for i in rows]
    frame = pl.concat([part for _, part in good]) if good else pl.DataFrame(schema=schema)
    return _finish(frame, positions, bad, data, origin, lines)


def _strict(data: bytes, schema: dict[str, pl.DataType]) -> pl.DataFrame | None:
    if data[:1] not in (b"{", b"\n", b""):
        data = b"\n" + data  # polars would take a first line that begins like an archive for one, and unpack it
    try:
        return pl.read_ndjson(data, schema=schema)
    except (pl.exceptions.PolarsError, OSError):
        return None


def _count_lines(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n") and len(data) > 0)


def _divide(
    lines: list[bytes],
    rows: list[int],
    schema: dict[str, pl.DataType],
    good: list[tuple[list[int], pl.DataFrame]],
    bad: list[tuple[int, _Bad]],
) -> None:
    """Halve until a part is clean or small, in the order of the lines."""
    pending = [rows]
    while pending:
        part = pending.pop()
        if not part:
            continue
        frame = _strict(b"\n".join(lines[i] for i in part), schema)
        if frame is not None and frame.height == len(part):
            good.append((part, frame))
        elif len(part) <= _FEW:
            _one_by_one(lines, part, schema, good, bad)
        else:
            middle = len(part) // 2
            pending += [part[middle:], part[:middle]]


def _one_by_one(
    lines: list[bytes],
    rows: list[int],
    schema: dict[str, pl.DataType],
    good: list[tuple[list[int], pl.DataFrame]],
    bad: list[tuple[int, _Bad]],
) -> None:
    kept: list[int] = []
    records: list[dict[str, Any]] = []
    for i in rows:
        # As the whole chunk would have been read: which of two equal keys wins must not depend on other lines.
        alone = _strict(lines[i], schema)
        if alone is not None and alone.height == 1:
            kept.append(i)
            records.append(alone.row(0, named=True))
            continue
        record = _record(lines[i], schema)
        if isinstance(record, _Bad):
            bad.append((i, record))
        else:
            kept.append(i)
            records.append(record)
    if kept:
        good.append((kept, pl.DataFrame(records, schema=schema, orient="row")))


def _record(line: bytes, schema: dict[str, pl.DataType]) -> dict[str, Any] | _Bad:
    try:
        line.decode()
    except UnicodeDecodeError:
        return _Bad("invalid_utf8")
    try:
        value = msgspec.json.decode(line)
    except RecursionError:
        return _Bad("too_deep")
    except (msgspec.DecodeError, ValueError):
        return _Bad("too_deep" if _depth(line) > _DEEPEST else "not_json")
    if not isinstance(value, dict):
        return _Bad("not_object")
    out: dict[str, Any] = {}
    for name, dtype in schema.items():
        try:
            out[name] = _cast(value.get(name), dtype)
        except (TypeError, ValueError, RecursionError):
            return _Bad("wrong_type", name)
    return out


def _depth(line: bytes) -> int:
    data = np.frombuffer(line, np.uint8)
    opens = np.isin(data, (0x5B, 0x7B)).astype(np.int64) - np.isin(data, (0x5D, 0x7D))
    return int(np.cumsum(opens).max(initial=0))


def _cast(value: object, dtype: pl.DataType) -> object:
    """A JSON value as a column takes it.

    Raises:
        TypeError, ValueError: it does not fit.
    """
    if value is None:
        return None
    if dtype == pl.String:
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if dtype == pl.Boolean:
        if not isinstance(value, bool):
            raise TypeError
        return value
    if isinstance(dtype, pl.List):
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise TypeError
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    if dtype == pl.Int64:
        if value != int(value) or not -_INT64 <= value < _INT64:
            raise ValueError
        return int(value)
    return float(value)


def _finish(
    frame: pl.DataFrame,
    positions: list[int] | None,
    bad: list[tuple[int, _Bad]],
    data: bytes,
    origin: Origin,
    lines: list[bytes] | None = None,
) -> Batch:
    """Validate, make canonical, and turn what is bad into dead letters."""
    read = frame.height + len(bad)
    if MESSAGES in frame.columns:
        frame = fill_from_messages(frame)
    frame, why, detail = reasons(frame)
    refused = why.is_not_null()
    if refused.any():
        at = positions if positions is not None else range(frame.height)
        bad = bad + [
            (at[i], _Bad(reason, where))
            for i, reason, where in zip(
                np.flatnonzero(refused.to_numpy()), why.filter(refused), detail.filter(refused), strict=True
            )
        ]
        frame = frame.filter(~refused)
    if not bad:
        return Batch(canonical(frame), [], read)
    lines = data.split(b"\n") if lines is None else lines
    dead = [
        DeadLetter(origin.name, origin.first + i, b.reason, len(lines[i]), digest(origin.key, lines[i]), b.detail)
        for i, b in sorted(bad, key=lambda pair: pair[0])
    ]
    return Batch(canonical(frame), dead, read)
