"""What all lists have in common: how many, and from where."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import HTTPException, Path, Query

from detector.alerts.store import cursor

Limit = Annotated[int, Query(ge=1, le=200, description="Rows a page")]
Cursor = Annotated[
    str | None,
    Query(max_length=512, pattern=r"^[A-Za-z0-9_-]+$", description="`next` of the page before"),
]
Name = Annotated[str, Path(min_length=1, max_length=512, pattern=r"^[^\x00]+$")]
Id = Annotated[str, Query(min_length=1, max_length=512, pattern=r"^[^\x00]+$")]


class _Numbered(Protocol):
    @property
    def id(self) -> int: ...


T = TypeVar("T", bound=_Numbered)


def numbered(get: Callable[[int, int], Sequence[T]], after: str | None, limit: int) -> dict[str, Any]:
    """A page of rows in the order of their ids.

    Args:
        get: rows after an id, at most so many.
        after: cursor.
        limit: rows.
    """
    start = cursor.decode(after, tuple[int])[0] if after else 0
    if not isinstance(start, int) or not 0 <= start < 1 << 63:
        raise cursor.CursorError(after)
    rows = get(start, limit + 1)
    more = len(rows) > limit
    return {"items": rows[:limit], "next": cursor.encode([rows[limit - 1].id]) if more else None}


def found(value: Any, what: str) -> Any:  # noqa: ANN401 - whatever was looked for
    """The value, or 404.

    Raises:
        HTTPException: there is none.
    """
    if value is None or value is False:
        raise HTTPException(404, f"There is no such {what}.")
    return value
