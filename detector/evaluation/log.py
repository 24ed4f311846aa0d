"""The raw request log as baselines see it: a lazy frame of the contract's own columns, nothing derived."""

import io
from pathlib import Path

import msgspec
import polars as pl

from detector.evaluation.inputs import InputError, Traffic, read_bytes

NUMBERS = (
    "n_messages",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "tool_calls",
    "temperature",
    "top_p",
    "n",
    "max_tokens",
    "top_logprobs",
    "latency_ms",
    "status",
)
FLAGS = ("logprobs", "stream")
WORDS = ("model", "operation", "route", "stop_reason", "response_format", "country", "user_agent", "asn")
TEXTS = ("system_prompt", "prompt")
KEYS = ("ip", "conversation_id", "end_user_id")

SCHEMA = pl.Schema(
    {
        "account_id": pl.String(),
        "ts": pl.String(),
        **dict.fromkeys(NUMBERS, pl.Float64()),
        **dict.fromkeys(FLAGS, pl.Boolean()),
        **dict.fromkeys((*WORDS, *TEXTS, *KEYS), pl.String()),
    }
)
ACCOUNTS = pl.Schema({"account_id": pl.String(), "payment_fingerprint": pl.String()})


class RequestLog:
    """A request log on disk.

    Args:
        path: NDJSON (plain, gzip or Zstandard) or Parquet.

    Attributes:
        path: the same.
        skipped: lines that cannot be read; known once `frame` was asked for.

    Raises:
        OSError: if it cannot be opened.
        InputError: if it holds no exchange.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.skipped = 0
        with path.open("rb"):  # a clear error now, not one out of a query plan later
            pass
        self._lines: bytes | None = None
        if path.suffix != ".parquet" and not _readable(path):
            self._lines, self.skipped = _salvage(path)
        if not self.frame("account_id").limit(1).collect().height:
            raise InputError(f"{path}: no exchange in it")

    def frame(self, *columns: str) -> pl.LazyFrame:
        """The named columns of every exchange that has an account; null where a file has no such column."""
        if self.path.suffix == ".parquet":
            return _conform(pl.scan_parquet(self.path), columns)
        wanted = {name: SCHEMA[name] for name in {"account_id": None, **dict.fromkeys(columns)}}
        source = self.path if self._lines is None else io.BytesIO(self._lines)
        return _known(pl.scan_ndjson(source, schema=wanted, ignore_errors=True).select(columns))

    def traffic(self) -> Traffic:
        """Who was active, and how many days the log spans."""
        found = self.frame("account_id", "ts").select("account_id", moment()).collect(engine="streaming")
        first, last = found["moment"].min(), found["moment"].max()
        days = (last - first) / 86_400.0 if isinstance(first, float) and isinstance(last, float) else None
        return Traffic(frozenset(found["account_id"].unique().to_list()), days, self.path.name)


def moment() -> pl.Expr:
    """`ts`, RFC 3339 or epoch seconds, as epoch seconds in column `moment`; null where it is neither."""
    text = pl.col("ts").str.to_datetime(time_unit="us", time_zone="UTC", strict=False).dt.epoch("us") / 1e6
    return pl.coalesce(pl.col("ts").cast(pl.Float64, strict=False), text).alias("moment")


def read_payments(path: Path) -> pl.DataFrame:
    """`account_id` and `payment_fingerprint` of an accounts file, one row a distinct pair.

    Raises:
        OSError: if it cannot be read.
        InputError: if it is no accounts file.
    """
    with path.open("rb"):
        pass
    try:
        if path.suffix == ".parquet":
            frame = _conform(pl.scan_parquet(path), ACCOUNTS.names())
        else:
            frame = pl.scan_ndjson(path, schema=ACCOUNTS, ignore_errors=True)
        return frame.drop_nulls().unique().collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path}: no accounts file: {str(error).partition(chr(10))[0]}") from error


def _conform(frame: pl.LazyFrame, columns: tuple[str, ...] | list[str]) -> pl.LazyFrame:
    """Casts a Parquet file's columns to ours."""
    present = frame.collect_schema()
    schema = {**ACCOUNTS, **SCHEMA}
    exprs = []
    for name in columns:
        if name not in present:
            exprs.append(pl.lit(None, schema[name]).alias(name))
        elif present[name].is_temporal():
            exprs.append((pl.col(name).dt.epoch("us") / 1e6).cast(schema[name]))
        else:
            exprs.append(pl.col(name).cast(schema[name], strict=False))
    return _known(frame.select(exprs))


def _known(frame: pl.LazyFrame) -> pl.LazyFrame:
    return frame.filter(pl.col("account_id").is_not_null())


def _readable(source: Path | io.BytesIO) -> bool:
    """Whether polars reads a log as it is: it gives up on the first line that it does not take."""
    try:
        frame = pl.scan_ndjson(source, schema={"account_id": pl.String}, ignore_errors=True)
        frame.select(pl.col("account_id").is_null().sum()).collect()
    except (pl.exceptions.PolarsError, OSError):
        return False
    return True


def _salvage(path: Path) -> tuple[bytes, int]:
    """The lines of a log that are JSON objects and that polars takes, and how many are not."""
    decoder = msgspec.json.Decoder(dict[str, object])
    good, bad = [], 0
    for line in read_bytes(path).splitlines():
        try:
            decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            bad += bool(line.strip())
        else:
            good.append(line)
    taken = _taken(good)
    return b"\n".join(taken), bad + len(good) - len(taken)


def _taken(lines: list[bytes]) -> list[bytes]:
    """Lines without those that polars alone refuses, found by halves: which numbers it takes is its own affair."""
    if not lines or _readable(io.BytesIO(b"\n".join(lines))):
        return lines
    if len(lines) == 1:
        return []
    middle = len(lines) // 2
    return _taken(lines[:middle]) + _taken(lines[middle:])
