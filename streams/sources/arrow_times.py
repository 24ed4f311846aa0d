"""Times of a Parquet file as polars and JSON can have them: it panics at what overflows, and knows no zone that is an offset."""

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from streams.validate import FARTHEST

_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000}  # all nanoseconds fit into microseconds
_UTC: Final = pa.timestamp("us", "UTC")

Array = Any  # pyarrow's arrays are of one class for each type


def plain_times(part: pa.RecordBatch) -> pa.RecordBatch:
    """The same columns, with times as microseconds in UTC, and dates and nested times as text.

    A time without a zone is taken for UTC, at any depth. One beyond all reason becomes one that is out of range, not null: null would
    say that there is none.
    """
    columns = [_plain(column) if _has_time(column.type) else column for column in part.columns]
    return pa.RecordBatch.from_arrays(columns, names=part.schema.names)


def _plain(column: Array) -> Array:
    if pa.types.is_timestamp(column.type):
        return _in_utc(column)
    if pa.types.is_date(column.type) or pa.types.is_nested(column.type):
        return _as_text(column)
    return column


def _has_time(kind: pa.DataType) -> bool:
    return pa.types.is_temporal(kind) or any(_has_time(kind.field(i).type) for i in range(kind.num_fields))


def _in_utc(times: Array) -> Array:
    unit = times.type.unit
    if unit in _PER_SECOND:
        most = FARTHEST * _PER_SECOND[unit]
        bounded = pc.max_element_wise(
            pc.min_element_wise(times.view(pa.int64()), pa.scalar(most, pa.int64()), skip_nulls=False),
            pa.scalar(-most, pa.int64()),
            skip_nulls=False,
        )
        times = bounded.view(pa.timestamp(unit, "UTC"))
    return times.cast(_UTC, safe=False)


def _as_text(array: Array) -> Array:
    """Times as text, wherever they stand; all else as it is."""
    kind = array.type
    if pa.types.is_timestamp(kind):
        return pc.replace_substring(_in_utc(array).cast(pa.string()), " ", "T", max_replacements=1)
    if pa.types.is_temporal(kind):
        return array.cast(pa.string())
    if not _has_time(kind):
        return array
    if pa.types.is_struct(kind):
        fields = [_as_text(field) for field in array.flatten()]
        return pa.StructArray.from_arrays(fields, names=[field.name for field in kind], mask=array.is_null())
    if pa.types.is_map(kind):
        array = array.cast(pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)])))
    elif not pa.types.is_list(kind) and not pa.types.is_large_list(kind):
        array = array.cast(pa.list_(kind.value_type))
    return _list_as_text(array)


def _list_as_text(array: Array) -> Array:
    """A list's elements as text; `flatten` leaves out what null lists and those before a slice point to, so the offsets are new."""
    lengths = pc.fill_null(pc.list_value_length(array), 0)
    ends = pc.cumulative_sum(lengths)
    offsets = pa.concat_arrays([pa.array([0], ends.type), ends])
    make = pa.LargeListArray if pa.types.is_large_list(array.type) else pa.ListArray
    return make.from_arrays(offsets, _as_text(array.flatten()), mask=array.is_null())
