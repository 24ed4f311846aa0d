"""Plain and compressed files, opened by their names, and whether a .zst file has its end."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import zstandard

CORRUPT: Final = (gzip.BadGzipFile, zlib.error, zstandard.ZstdError)  # what reading a broken archive raises
_SKIPPABLE = 0x184D2A50  # to …5F: frames that hold no data
_HEADER = 18  # bytes of the longest frame header
_BLOCK = 3  # bytes of a block header
_REPEATED = 1  # type of a block that is one byte, said how often
_CHECKSUM = 4


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A file, decompressed by its name."""
    if path.suffix == ".gz":
        with gzip.open(path, "rb") as file:
            yield file  # type: ignore[misc]  # GzipFile reads bytes
    elif path.suffix == ".zst":
        with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as file:
            yield file  # the reader reads bytes
    else:
        with path.open("rb") as plain:
            yield plain


def unfinished(path: Path) -> bool:
    """Whether a compressed file ends too early and its reader does not say: a .zst file within a frame, any before it has begun.

    Only the headers of frames and blocks are read; nothing is decompressed.
    """
    size = path.stat().st_size
    if path.suffix != ".zst":
        return path.suffix == ".gz" and size == 0
    at: int | None = 0
    with path.open("rb") as raw:
        while at is not None and at < size:
            at = _after_frame(raw, at)
    return size == 0 or at != size


def _after_frame(raw: IO[bytes], at: int) -> int | None:
    """Where the frame that begins here should end; None where even its headers are cut off."""
    raw.seek(at)
    head = raw.read(_HEADER)
    if int.from_bytes(head[:4], "little") & ~0xF == _SKIPPABLE:
        return at + 8 + int.from_bytes(head[4:8], "little")
    try:
        at += zstandard.frame_header_size(head)
        checksum = _CHECKSUM if zstandard.get_frame_parameters(head).has_checksum else 0
    except zstandard.ZstdError:
        return None
    last = False
    while not last:
        raw.seek(at)
        header = raw.read(_BLOCK)
        if len(header) < _BLOCK:
            return None
        word = int.from_bytes(header, "little")
        last, kind, length = bool(word & 1), word >> 1 & 3, word >> 3
        at += _BLOCK + (1 if kind == _REPEATED else length)
    return at + checksum
