"""What a source hands on: records that could be read, and what is known of those that could not."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

import polars as pl

DIGEST_BYTES = 16


@dataclass(frozen=True)
class DeadLetter:
    """A record that could not be read; never its text.

    Attributes:
        source: file or topic.
        position: line (from 1), row of a Parquet file, or offset.
        reason: stable code, see `streams.decode`.
        length: bytes.
        digest: keyed BLAKE2b, hex, so that a record can be found again by who has it.
        detail: field concerned, rows where a Parquet file says more than can be told one by one, or empty.
    """

    source: str
    position: int
    reason: str
    length: int
    digest: str
    detail: str = ""


@dataclass
class Batch:
    """Records of one source, in event-time order.

    Attributes:
        frame: canonical columns.
        dead: what could not be read.
        read: records seen; `frame.height + len(dead)`.
        skipped: records outside `since` and `until`, and foreign ones that tell of no exchange; not counted as read.
        repaired: optional values that were put right, by field and reason.
    """

    frame: pl.DataFrame
    dead: list[DeadLetter] = field(default_factory=list)
    read: int = 0
    skipped: int = 0
    repaired: Counter[str] = field(default_factory=Counter)


def hasher(key: bytes) -> "hashlib.blake2b":
    """A fingerprint in the making, for records that are not held as a whole."""
    return hashlib.blake2b(digest_size=DIGEST_BYTES, key=key[:64])


def digest(key: bytes, record: bytes) -> str:
    """Keyed fingerprint of a record."""
    whole = hasher(key)
    whole.update(record)
    return whole.hexdigest()
