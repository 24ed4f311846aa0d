"""Lines of JSON to canonical columns: one strict polars read a chunk, and a slow path only for chunks that hold a bad line.

Reasons of dead letters: `not_json`, `not_object`, `invalid_utf8`, `wrong_type`, `missing_field`, `ts_unreadable`, `ts_out_of_range`,
`bad_id`, `too_long`, `too_deep`; from files also `truncated` and `corrupt`; of events `unknown_kind`; from a foreign
format `unrecognised`; in a service also `ts_ahead`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from streams.batch import Batch, DeadLetter, digest
from streams.exchange import EXCHANGE_SCHEMA, MESSAGES
from streams.identifiers import suspects, wrong
from streams.messages import fill_from_messages
from streams.repair import repaired, whole_characters
from streams.validate import canonical, reasons

MAX_LINE: Final = 16 << 20
_DEEPEST = 64
_FEW = 64  # lines that are read one by one rather than halved again
_RAW: Final = {**EXCHANGE_SCHEMA, "ts": pl.String()}
_WITH_MESSAGES: Final = {**_RAW, MESSAGES: pl.String()}
_INT64 = 1 << 63


@dataclass(frozen=True)
class Origin:
    """Where a chunk comes from.

    Attributes:
        name: file or topic.
        first: position of its first line.
        key: of the digests.
        lines: how many it has, where that is known.
    """

    name: str
    first: int
    key: bytes
    lines: int | None = None


@dataclass(frozen=True)
class Bad:
    """Why a record is refused: a stable code, and the field concerned or empty."""

    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Lines:
    """What could be read of some lines.

    Attributes:
        frame: columns of the good ones.
        positions: line of each row, from 0; None where every line is a row.
        bad: the other lines.
    """

    frame: pl.DataFrame
    positions: list[int] | None = None
    bad: list[tuple[int, Bad]] = field(default_factory=list)


def raw_schema() -> dict[str, pl.DataType]:
    """Columns of the contract as they stand in a line."""
    return dict(_RAW)


def decode_lines(data: bytes, origin: Origin, unread: Collection[str] = ()) -> Batch:
    """Decode a chunk of whole lines.

    Args:
        data: UTF-8, one JSON object a line; blank lines are skipped.
        origin: for dead letters.
        unread: columns that nobody reads and that come out null. Text only: text is never wrong, so that the same lines are refused.

    Returns:
        Records in the order of the lines, not yet sorted by time.
    """
    schema = {name: dtype for name, dtype in _WITH_MESSAGES.items() if name not in unread or dtype != pl.String()}
    return _finish(read_lines(data, schema, origin.lines), data, origin)


def read_lines(data: bytes, schema: dict[str, pl.DataType], count: int | None = None) -> Lines:
    """Read whole lines as columns; which of them are refused, and why, does not depend on their neighbours.

    Args:
        data: UTF-8, one JSON object a line; blank lines are skipped.
        schema: of the columns; other keys are passed over.
        count: of the lines, where it is known.
    """
    data = whole_characters(data)
    return _without_json_names(_read_lines(data, schema, count), data)


def _without_json_names(read: Lines, data: bytes) -> Lines:
    """Refuse identifiers that are nested, true or false; which of those that look so are texts, only the lines say."""
    found = suspects(read.frame)
    if not found:
        return read
    lines = data.split(b"\n")
    at = read.positions if read.positions is not None else range(read.frame.height)
    bad: dict[int, Bad] = {}
    for row, names in found:
        record = parse(lines[at[row]])
        if isinstance(record, Bad):
            bad[row] = record
        elif name := wrong(names, record):
            bad[row] = Bad("wrong_type", name)
    kept = [row for row in range(read.frame.height) if row not in bad]
    return Lines(
        read.frame[kept], [at[row] for row in kept], [*read.bad, *((at[row], why) for row, why in bad.items())]
    )


def _read_lines(data: bytes, schema: dict[str, pl.DataType], count: int | None) -> Lines:
    if has_long(data):
        return _read_others(data, schema)
    frame = _strict(data, schema)
    if frame is not None and frame.height == (count_lines(data) if count is None else count):
        return Lines(frame)
    lines = data.split(b"\n")
    filled = [i for i, line in enumerate(lines) if line.strip()]
    if frame is not None:
        return Lines(frame, filled)
    good: list[tuple[list[int], pl.DataFrame]] = []
    bad: list[tuple[int, Bad]] = []
    _divide(lines, filled, schema, good, bad)
    positions = [i for rows, _ in good for i in rows]
    return Lines(pl.concat([part for _, part in good]) if good else pl.DataFrame(schema=schema), positions, bad)


def _read_others(data: bytes, schema: dict[str, pl.DataType]) -> Lines:
    """Lines beside over-long ones, which are blanked, so that the others keep their places."""
    lines = data.split(b"\n")
    long = [i for i, line in enumerate(lines) if len(line) > MAX_LINE]
    for i in long:
        lines[i] = b""
    read = _read_lines(b"\n".join(lines), schema, None)
    return Lines(read.frame, read.positions, [*read.bad, *((i, Bad("too_long")) for i in long)])


def has_long(data: bytes) -> bool:
    """Whether a line is over-long; looks at a few line breaks only, since nearly all chunks have none."""
    start = 0
    while len(data) - start > MAX_LINE:
        start = data.rfind(b"\n", start, start + MAX_LINE + 1) + 1
        if start == 0:
            return True
    return False


def _strict(data: bytes, schema: dict[str, pl.DataType]) -> pl.DataFrame | None:
    if data[:1] not in (b"{", b"\n", b""):
        data = b"\n" + data  # polars would take a first line that begins like an archive for one, and unpack it
    try:
        return pl.read_ndjson(data, schema=schema)
    except (pl.exceptions.PolarsError, OSError):
        return None


def count_lines(data: bytes) -> int:
    """Lines of a chunk, the last one with or without its line break."""
    return data.count(b"\n") + (not data.endswith(b"\n") and len(data) > 0)


def _divide(
    lines: list[bytes],
    rows: list[int],
    schema: dict[str, pl.DataType],
    good: list[tuple[list[int], pl.DataFrame]],
    bad: list[tuple[int, Bad]],
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
    bad: list[tuple[int, Bad]],
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
        if isinstance(record, Bad):
            bad.append((i, record))
        else:
            kept.append(i)
            records.append(record)
    if kept:
        good.append((kept, pl.DataFrame(records, schema=schema, orient="row")))


def parse(line: bytes) -> dict[str, Any] | Bad:
    """A line as a JSON object, or why it is none."""
    if len(line) > MAX_LINE:
        return Bad("too_long")
    try:
        line.decode()
    except UnicodeDecodeError:
        return Bad("invalid_utf8")
    try:
        value = msgspec.json.decode(line)
    except RecursionError:
        return Bad("too_deep")
    except (msgspec.DecodeError, ValueError):
        return Bad("too_deep" if _depth(line) > _DEEPEST else "not_json")
    return value if isinstance(value, dict) else Bad("not_object")


def _record(line: bytes, schema: dict[str, pl.DataType]) -> dict[str, Any] | Bad:
    value = parse(line)
    if isinstance(value, Bad):
        return value
    out: dict[str, Any] = {}
    for name, dtype in schema.items():
        try:
            out[name] = _cast(value.get(name), dtype)
        except (TypeError, ValueError, RecursionError):
            return Bad("wrong_type", name)
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


def _finish(read: Lines, data: bytes, origin: Origin) -> Batch:
    """Validate, make canonical, and turn what is bad into dead letters."""
    frame, bad = read.frame, read.bad
    seen = frame.height + len(bad)
    if MESSAGES in frame.columns:
        some = frame[MESSAGES].null_count() < frame.height
        frame = fill_from_messages(frame) if some else frame.drop(MESSAGES)
    frame, changed = repaired(frame)
    frame, why, detail = reasons(frame)
    refused = why.is_not_null()
    if refused.any():
        at = read.positions if read.positions is not None else range(frame.height)
        bad = bad + [
            (at[i], Bad(reason, where))
            for i, reason, where in zip(
                np.flatnonzero(refused.to_numpy()), why.filter(refused), detail.filter(refused), strict=True
            )
        ]
        frame = frame.filter(~refused)
    if not bad:
        return Batch(canonical(frame), [], seen, repaired=changed)
    dead = letters(bad, data, origin)
    return Batch(canonical(frame), dead, seen, repaired=changed)


def letters(bad: Sequence[tuple[int, Bad]], data: bytes, origin: Origin) -> list[DeadLetter]:
    """Dead letters of lines, in their order.

    Args:
        bad: number of the line in `data`, from 0, and why it is refused.
        data: the lines.
        origin: where they come from.
    """
    lines = data.split(b"\n")
    return [
        DeadLetter(origin.name, origin.first + i, b.reason, len(lines[i]), digest(origin.key, lines[i]), b.detail)
        for i, b in sorted(bad, key=lambda pair: pair[0])
    ]
