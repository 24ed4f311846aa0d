"""A chunk of a request log to a batch of exchanges.

Reasons of dead letters: `not_json`, `not_object`, `invalid_utf8`, `wrong_type`, `missing_field`, `ts_unreadable`,
`ts_out_of_range`, `bad_id`, `negative`, `too_deep`; from files also `too_long`, `truncated` and `corrupt`.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from streams.batch import Batch, DeadLetter, digest
from streams.exchange import EXCHANGE_SCHEMA, MESSAGES
from streams.messages import fill_from_messages
from streams.rows import Fault, Rows, Schema, read_rows
from streams.validate import canonical, reasons

_DERIVED: Final = "n_tool_results"  # comes from the messages, not from the log
RAW_SCHEMA: Final[Schema] = {**{k: v for k, v in EXCHANGE_SCHEMA.items() if k != _DERIVED}, "ts": pl.String()}


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


def raw_schema(data: bytes) -> Schema:
    """Columns to read: `messages` only where a line has it."""
    return {**RAW_SCHEMA, MESSAGES: pl.String()} if b'"messages"' in data else RAW_SCHEMA


def decode_lines(data: bytes, origin: Origin) -> Batch:
    """Decode a chunk of whole lines.

    Args:
        data: UTF-8, one JSON object a line; blank lines are skipped.
        origin: for dead letters.

    Returns:
        Records in the order of the lines, not yet sorted by time.
    """
    rows = read_rows(data, raw_schema(data)) if data else Rows(pl.DataFrame(schema=RAW_SCHEMA), None)
    read = rows.frame.height + len(rows.faults)
    good, faults = validated(rows)
    return Batch(canonical(good), dead_letters(data, faults, origin), read)


def validated(rows: Rows) -> tuple[pl.DataFrame, list[Fault]]:
    """Rows that make sense, and the faults of all that do not."""
    frame, faults = rows.frame, rows.faults
    if MESSAGES in frame.columns:
        frame, bad = fill_from_messages(frame)
        faults = faults + [Fault(rows.line(i), reason, MESSAGES) for i, reason in bad]
        gone = {i for i, _ in bad}
        if gone:
            kept = [i for i in range(frame.height) if i not in gone]
            frame, rows = frame[kept], Rows(frame[kept], [rows.line(i) for i in kept])
    frame, why, detail = reasons(frame)
    if why.null_count() == why.len():
        return frame, faults
    refused = why.is_not_null()
    rejected = zip(refused.arg_true().to_list(), why.filter(refused), detail.filter(refused), strict=True)
    return frame.filter(~refused), faults + [Fault(rows.line(i), reason, where) for i, reason, where in rejected]


def dead_letters(data: bytes, faults: list[Fault], origin: Origin) -> list[DeadLetter]:
    """The letters of a chunk's faults, in the order of its lines."""
    if not faults:
        return []
    lines = data.split(b"\n")
    return [
        DeadLetter(
            origin.name,
            origin.first + f.line,
            f.reason,
            len(lines[f.line]),
            digest(origin.key, lines[f.line]),
            f.detail,
        )
        for f in sorted(faults)
    ]
