"""Cursors: opaque marks of a place in a list, which stay right while rows come and go."""

import base64
import binascii
from collections.abc import Sequence

import msgspec


class CursorError(ValueError):
    """A cursor was not made here."""


def encode(values: Sequence[str | float | int]) -> str:
    """The sort key of the last row of a page as a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).rstrip(b"=").decode()


def decode(cursor: str, shape: type[tuple[float | int | str, ...]]) -> tuple[float | int | str, ...]:
    """The sort key that a cursor stands for.

    Args:
        cursor: from `encode`.
        shape: types of the key's parts.

    Raises:
        CursorError: it is broken, or belongs to another list.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=shape)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise CursorError("the cursor was not made by this list") from error
