"""What polars' types cannot say: times that make sense, identifiers that are there."""

from datetime import UTC, datetime
from typing import Final

import polars as pl

from streams.exchange import EXCHANGE_SCHEMA, IDENTIFIERS, REQUIRED
from streams.fields import TIME
from streams.repair import odd_id

# A log of a model API is younger than this; a replay has no other clock to hold its times against.
EARLIEST: Final = datetime(2015, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_MICRO = 1_000_000
FARTHEST: Final = 10**11  # seconds: the year 5138
_FIRST_YEAR: Final = -62_135_596_800_000_000  # microseconds: 0001-01-01


def as_time(text: pl.Expr) -> pl.Expr:
    """Text of RFC 3339 or seconds since 1970 as time; null where it is neither."""
    seconds = text.cast(pl.Float64, strict=False)
    iso = text.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    return pl.coalesce(
        pl.from_epoch((_sane(seconds) * _MICRO).round().cast(pl.Int64), time_unit="us").dt.replace_time_zone("UTC"), iso
    )


def is_far(time: pl.Expr) -> pl.Expr:
    """Whether a time is beyond all reason (milliseconds taken for seconds, say), or before the years that Python has."""
    at = time.dt.epoch("us")
    return ((at >= FARTHEST * _MICRO) | (at < _FIRST_YEAR)).fill_null(False)


def _sane(seconds: pl.Expr) -> pl.Expr:
    """Numbers as they are, those beyond all reason (milliseconds, say) as the first second that is out of range; null where none."""
    return pl.when(seconds.is_finite()).then(seconds.clip(-FARTHEST, FARTHEST))


def _seconds_only(name: str) -> pl.Expr:
    seconds = _sane(pl.col(name).cast(pl.Float64, strict=False))
    return pl.from_epoch((seconds * _MICRO).round().cast(pl.Int64, strict=False), time_unit="us").dt.replace_time_zone(
        "UTC"
    )


def _parsed(frame: pl.DataFrame) -> pl.DataFrame:
    if frame.schema["ts"] != pl.String:
        return frame
    # The common case first: numbers. Parsing text twice is only worth it where they fail.
    quick = frame.with_columns(_seconds_only("ts").alias("_ts"))
    if quick["_ts"].null_count() > frame["ts"].null_count():
        quick = frame.with_columns(as_time(pl.col("ts")).alias("_ts"))
    return quick


def reasons(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series, pl.Series]:
    """Check records.

    Args:
        frame: raw columns, `ts` as text or as time.

    Returns:
        The frame with `ts` as time, the reason by record (null where it is good), and the field concerned.
    """
    parsed = _parsed(frame)
    time = pl.col("_ts") if "_ts" in parsed.columns else pl.col("ts").cast(TIME)
    checks: list[tuple[pl.Expr, str, str]] = [
        (
            pl.col(name).is_null() | (pl.col(name) == "") if name != "ts" else pl.col("ts").is_null(),
            "missing_field",
            name,
        )
        for name in REQUIRED
    ]
    checks += [(time.is_null(), "ts_unreadable", "ts")]
    checks += [((time < EARLIEST) | (time >= LATEST), "ts_out_of_range", "ts")]
    checks += [(odd_id(name), "bad_id", name) for name in IDENTIFIERS if name in REQUIRED]
    codes = list(range(1, len(checks) + 1))
    failed = pl.min_horizontal(
        *(pl.when(test).then(pl.lit(code, pl.UInt8)) for code, (test, _, _) in zip(codes, checks, strict=True))
    )
    checked = parsed.select(time.alias("_time"), failed.alias("_failed"))
    out = frame.with_columns(checked["_time"].alias("ts"))
    number = checked["_failed"]
    if number.null_count() == number.len():
        none = pl.Series([None], dtype=pl.String).new_from_index(0, number.len())
        return out, none, none
    why = number.replace_strict(codes, [c[1] for c in checks], return_dtype=pl.String)
    field = number.replace_strict(codes, [c[2] for c in checks], return_dtype=pl.String)
    return out, why, field


def canonical(frame: pl.DataFrame) -> pl.DataFrame:
    """All columns of the contract in order, with defaults filled in."""
    defaults = {"operation": pl.lit("chat"), "status": pl.lit(200, pl.Int64)}
    return frame.select(
        pl.lit(None, dtype).alias(name)
        if name not in frame.columns
        else pl.col(name).fill_null(defaults[name])
        if name in defaults
        else pl.col(name)
        for name, dtype in EXCHANGE_SCHEMA.items()
    )
