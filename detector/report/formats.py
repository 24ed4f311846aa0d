"""Numbers and times as people read them."""

from datetime import UTC, datetime

THOUSAND = 1_000
MINUTE, HOUR, DAY = 60, 3_600, 86_400
FAR = 1e12
"""Farther from 1970 than this many seconds is no time of a log."""

NO_VALUE = "–"


def integer(value: float | None) -> str:
    """A count with thousands separators."""
    return NO_VALUE if value is None else f"{value:,.0f}"


def compact(value: float | None) -> str:
    """A count in at most four characters and a unit: 1.2 k, 34 M."""
    if value is None:
        return NO_VALUE
    for unit in ("", " k", " M", " G"):
        if abs(value) < THOUSAND or unit == " G":
            digits = 1 if unit and abs(value) < 100 else 0  # noqa: PLR2004 - two digits before the point suffice
            return f"{value:,.{digits}f}{unit}"
        value /= THOUSAND
    raise AssertionError("unreachable: the last unit takes every value")


def number(value: float | None) -> str:
    """A measured value with three significant digits."""
    if value is None:
        return NO_VALUE
    if abs(value) >= THOUSAND:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percent(value: float | None) -> str:
    """A share as a percentage."""
    if value is None:
        return NO_VALUE
    return f"{100 * value:.0f} %" if value >= 0.1 or value == 0 else f"{100 * value:.1f} %"  # noqa: PLR2004 - below 10 % a digit more


def epoch(value: object) -> float | None:
    """Epoch seconds of RFC 3339 text or a finite number; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < FAR else None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def moment(seconds: float | None, pattern: str = "%a %-d %b %Y, %H:%M") -> str:
    """An event time in UTC."""
    if seconds is None:
        return NO_VALUE
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime(pattern)
    except (OverflowError, ValueError, OSError):
        return NO_VALUE


def span(seconds: float | None) -> str:
    """A length of time in its largest sensible unit."""
    if seconds is None:
        return NO_VALUE
    for length, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= 2 * length or (length == MINUTE and seconds >= MINUTE):
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def shorten(value: str, length: int) -> str:
    """A text of at most so many characters, on one line."""
    flat = " ".join(value.split())
    return flat if len(flat) <= length else flat[: length - 1].rstrip() + "…"
