"""A field of a record: its name, type, unit and meaning, declared once for casting, documentation and JSON Schema."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

TIME = pl.Datetime("us", "UTC")
STRINGS = pl.List(pl.String)


@dataclass(frozen=True)
class Field:
    """One field.

    Attributes:
        name: key in JSON, column in Parquet.
        dtype: type of the canonical column.
        unit: unit of the value, empty where it has none.
        meaning: one line.
        required: whether a record without it is refused.
    """

    name: str
    dtype: pl.DataType
    unit: str
    meaning: str
    required: bool = False


def schema_of(fields: Sequence[Field]) -> dict[str, pl.DataType]:
    """Canonical polars schema."""
    return {f.name: f.dtype for f in fields}


def markdown(fields: Sequence[Field]) -> str:
    """The fields as a Markdown table."""
    lines = ["| field | type | unit | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{f.name}`{' (required)' if f.required else ''} | {_type_name(f.dtype)} | {f.unit or '—'} | {f.meaning} |"
        for f in fields
    ]
    return "\n".join(lines) + "\n"


def json_schema(title: str, fields: Sequence[Field]) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of one record; unknown keys are allowed and ignored."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "properties": {f.name: {**_json_type(f), "description": f.meaning} for f in fields},
        "required": [f.name for f in fields if f.required],
        "additionalProperties": True,
    }


def _type_name(dtype: pl.DataType) -> str:
    if dtype == TIME:
        return "time"
    if isinstance(dtype, pl.List):
        return "list"
    return {"String": "string", "Int64": "integer", "Float64": "number", "Boolean": "boolean"}[str(dtype)]


def _json_type(field: Field) -> dict[str, Any]:
    if field.dtype == TIME:
        kinds: list[str] = ["number", "string"]
        return {"type": kinds if field.required else [*kinds, "null"]}
    if isinstance(field.dtype, pl.List):
        return {"type": ["array", "null"]}
    kind = _type_name(field.dtype)
    return {"type": kind if field.required else [kind, "null"]}
