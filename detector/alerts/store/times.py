"""Times of the store: whole microseconds, which the API says as RFC 3339."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec

Micros = Annotated[int, msgspec.Meta(extra_json_schema={"format": "date-time"})]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# What RFC 3339 can say: the years of four digits.
_FIRST: Final = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LAST: Final = (datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC) - _EPOCH) // timedelta(microseconds=1)


def exact(micros: int) -> str:
    """A time as RFC 3339 in UTC, to the microsecond, so that texts are in the order of the times."""
    when = _EPOCH + timedelta(microseconds=min(max(micros, _FIRST), _LAST))
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")


def micros_of(when: datetime) -> int:
    """A time with its zone as µs, within what can be said again."""
    return min(max((when - _EPOCH) // timedelta(microseconds=1), _FIRST), _LAST)
