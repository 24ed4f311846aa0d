"""Optional values that cannot be right are put right and counted: whoever asks chooses them, and must not vanish from the log by it.

A client may name its end user with six hundred characters, ask for a negative number of tokens, or break a character in two. Its
exchange is a record all the same: only what a record cannot do without (`ts`, `request_id`, `account_id`, `model`) makes it a dead
letter.
"""

import hashlib
import re
from collections import Counter
from typing import Final

import polars as pl

from streams.exchange import COUNTS, IDENTIFIERS, REQUIRED

LONGEST_ID: Final = 512  # bytes
_OPTIONAL_IDS: Final = tuple(name for name in IDENTIFIERS if name not in REQUIRED)
_DIGEST_BYTES: Final = 16
# An escaped backslash, a character beyond the first plane as a pair, and half of such a pair by itself.
_ESCAPES: Final = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
# Nearly the same, where it only has to be found: a look, since emojis are in many logs and what is replaced in hardly any.
_HALF: Final = re.compile(
    rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD])[c-fC-F][0-9a-fA-F]{2})"
)
_UNKNOWN: Final = rb"\ufffd"  # as long as what it replaces, so that lines keep their places


def odd_id(name: str) -> pl.Expr:
    """Whether an identifier is too long to be one, or has a NUL in it."""
    return (pl.col(name).str.len_bytes() > LONGEST_ID) | pl.col(name).str.contains("\x00", literal=True)


def whole_characters(data: bytes) -> bytes:
    """Lines of JSON in which each half of a surrogate pair by itself is the replacement character U+FFFD.

    Python's own encoder writes such halves, and no strict reader takes them.
    """
    if (rb"\ud" not in data and rb"\uD" not in data) or not _HALF.search(data):
        return data
    return _ESCAPES.sub(lambda match: _UNKNOWN if match[1] else match[0], data)


def repaired(frame: pl.DataFrame) -> tuple[pl.DataFrame, Counter[str]]:
    """Records with optional values put right: odd identifiers hashed, so that they still tell users apart, negative counts unknown.

    Args:
        frame: raw columns.

    Returns:
        The frame, and how many values of each field were changed, by `field: reason`.
    """
    tests: dict[str, tuple[pl.Expr, str]] = {
        name: (odd_id(name), "bad_id") for name in _OPTIONAL_IDS if name in frame.columns
    }
    tests |= {name: (pl.col(name) < 0, "negative") for name in COUNTS if name in frame.columns}
    if not tests:
        return frame, Counter()
    found = frame.select(test.sum().alias(name) for name, (test, _) in tests.items()).row(0, named=True)
    some = {name: int(n) for name, n in found.items() if n}
    if not some:
        return frame, Counter()
    hashed = [_hashed(frame, name) for name in some if name in _OPTIONAL_IDS]
    unknown = [
        pl.when(~tests[name][0].fill_null(value=False)).then(pl.col(name)) for name in some if name not in _OPTIONAL_IDS
    ]
    return frame.with_columns(*hashed, *unknown), Counter({f"{name}: {tests[name][1]}": n for name, n in some.items()})


def _hashed(frame: pl.DataFrame, name: str) -> pl.Series:
    odd = frame.filter(odd_id(name)).get_column(name).unique()
    marks = [hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest() for text in odd]
    return frame.get_column(name).replace(odd, pl.Series([f"odd-{mark}" for mark in marks], dtype=pl.String))
