"""Reads what is evaluated: alerts, the truth of a simulated world, and who had traffic."""

import gzip
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar, get_args

import msgspec
import polars as pl
import zstandard

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"

Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[str, ...] = get_args(Severity)

Time = str | float
"""RFC 3339 text or epoch seconds, as both contracts allow."""

T = TypeVar("T")


class InputError(Exception):
    """A file that can be opened but not understood; the message is one line and names file and line."""


class Member(msgspec.Struct, frozen=True):
    """How far an account belongs to an alert."""

    account_id: str
    p_member: float = 1.0


class Alert(msgspec.Struct, frozen=True):
    """The part of `revenuer.alert.v1` that an evaluation needs.

    Attributes:
        id: alert id; a file may hold several states of one alert.
        severity: severity of this state.
        accounts: every account that the alert stands for.
        account_detected_at: event time at which each was first named at high or above, or at all where the alert is below high.
        detected_at: event time of the alert, for accounts without a time of their own.
        first_seen: event time of the first exchange behind it.
        last_seen: event time of the last one.
        merged_into: id of the alert that took this one over.
        risk: 0–100.
        members: how far each account belongs to it.
    """

    id: Annotated[str, msgspec.Meta(min_length=1)]
    severity: Severity
    accounts: list[str]
    account_detected_at: dict[str, Time] = {}
    detected_at: Time | None = None
    first_seen: Time | None = None
    last_seen: Time | None = None
    merged_into: str | None = None
    risk: float = 0.0
    members: list[Member] = []

    @property
    def actionable(self) -> bool:
        """Whether anyone is meant to act on it: high and above."""
        return self.severity in {"high", "critical"}

    def detected(self, account: str) -> float:
        """Event time, epoch seconds, at which the alert named an account.

        Raises:
            ValueError: if the alert gives no usable time for it.
        """
        time = self.account_detected_at.get(account, self.detected_at)
        if time is None:
            raise ValueError(f"no time in account_detected_at or detected_at for account {account!r}")
        return epoch(time)


class Truth(msgspec.Struct, frozen=True):
    """`truth.json` of a simulated world; further keys are ignored.

    Attributes:
        campaigns: accounts of each campaign.
        archetype: what each account is, hostile or innocent.
        attack_times: times of each hostile account's attack exchanges.
    """

    campaigns: dict[str, list[str]]
    archetype: dict[str, str] = {}
    attack_times: dict[str, list[Time]] = {}


class Traffic(msgspec.Struct, frozen=True):
    """Who was active, and for how long the log ran.

    Attributes:
        accounts: accounts with at least one exchange.
        days: length of the log in days of event time, where known.
        source: the file that says so.
    """

    accounts: frozenset[str]
    days: float | None
    source: str


def epoch(time: Time) -> float:
    """Epoch seconds of a time in either spelling.

    Raises:
        ValueError: if the text is no RFC 3339 time.
    """
    if not isinstance(time, str):
        return float(time)
    moment = datetime.fromisoformat(time)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def read_bytes(path: Path) -> bytes:
    """The content of a file, unpacked where it is gzip or Zstandard.

    Raises:
        OSError: if it cannot be read.
        InputError: if it cannot be unpacked.
    """
    raw = path.read_bytes()
    try:
        if raw.startswith(GZIP):
            return gzip.decompress(raw)
        if raw.startswith(ZSTD):
            return zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    except (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
        raise InputError(f"{path}: cannot be unpacked: {error}") from error
    return raw


def read_alerts(path: Path) -> list[Alert]:
    """Every line of an alerts file, in its order; blank lines are skipped.

    Raises:
        OSError: if the file cannot be read.
        InputError: if a line is no alert.
    """
    alerts = []
    decoder = msgspec.json.Decoder(Alert)
    for number, line in enumerate(read_bytes(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            alert = decoder.decode(line)
            for account in alert.accounts:
                alert.detected(account)
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError) as error:
            raise InputError(f"{path}:{number}: no alert: {error}") from error
        alerts.append(alert)
    return alerts


def read_truth(path: Path) -> Truth:
    """The truth of a simulated world.

    Raises:
        OSError: if the file cannot be read.
        InputError: if it is not the JSON that DESIGN §4 describes.
    """
    truth = _decode(path, Truth)
    for account, times in truth.attack_times.items():
        try:
            for time in times:
                epoch(time)
        except ValueError as error:
            raise InputError(f"{path}: attack_times of {account!r}: {error}") from error
    return truth


def read_sibling_traffic(alerts: Path) -> Traffic | None:
    """Who was active, from the `accounts.parquet` and `run.json` that a replay writes beside its alerts.

    Args:
        alerts: the alerts file.

    Returns:
        The accounts that were seen, or None where there is no such file.

    Raises:
        InputError: if a file is there and broken.
    """
    path = alerts.parent / "accounts.parquet"
    if not path.is_file():
        return None
    try:
        frame = pl.scan_parquet(path)
        columns = frame.collect_schema().names()
        if "account_id" not in columns:
            raise InputError(f"{path}: no column account_id")
        # Requests are those of the last days; whoever has been seen at all was active.
        seen = pl.col("last_seen").is_not_null() if "last_seen" in columns else pl.col("requests") > 0
        active = frame.filter(seen) if {"last_seen", "requests"} & set(columns) else frame
        names = active.select("account_id").collect()["account_id"].drop_nulls().to_list()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path}: cannot be read: {_first_line(error)}") from error
    return Traffic(frozenset(names), _run_days(alerts.parent / "run.json"), path.name)


class _Span(msgspec.Struct):
    first: Time | None = None
    last: Time | None = None


class _Run(msgspec.Struct):
    event_time: _Span | None = None


def _run_days(path: Path) -> float | None:
    """Days between the first and the last exchange, as `run.json` gives them."""
    if not path.is_file():
        return None
    span = _decode(path, _Run).event_time
    if span is None or span.first is None or span.last is None:
        return None
    return (epoch(span.last) - epoch(span.first)) / 86_400.0


def _decode(path: Path, kind: type[T]) -> T:
    raw = read_bytes(path)
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}:{_line_of(raw, str(error))}: {error}") from error


def _line_of(raw: bytes, message: str) -> int:
    """The line that a decoder's "(byte N)" lies in; the last line where it names no byte (truncated input)."""
    _, found, tail = message.partition("(byte ")
    position = int(tail.partition(")")[0]) if found else len(raw)
    return raw.count(b"\n", 0, position) + 1


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
