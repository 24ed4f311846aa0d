"""Blocks of whole lines out of a plain or compressed file, in bounded memory."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import zstandard

from streams.batch import DeadLetter, digest
from streams.decode import MAX_LINE

_READ = 4 << 20


@dataclass(frozen=True)
class Block:
    """Whole lines.

    Attributes:
        data: the lines.
        first: number of the first one, from 1.
        dead: lines that were not kept, and an early end of the file.
    """

    data: bytes
    first: int
    dead: tuple[DeadLetter, ...] = ()


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


def _pieces(path: Path, key: bytes, line: list[int]) -> Iterator[bytes | DeadLetter]:
    """Bytes of a file, then a dead letter where it ends too early."""
    try:
        with opened(path) as file:
            while piece := file.read1(_READ):  # type: ignore[attr-defined]  # gives what there is before a broken end
                yield piece
            if path.suffix == ".zst" and _unfinished(path):
                yield DeadLetter(str(path), line[0], "truncated", 0, digest(key, str(path).encode()))
    except EOFError:
        yield DeadLetter(str(path), line[0], "truncated", 0, digest(key, str(path).encode()))
    except (gzip.BadGzipFile, zlib.error, zstandard.ZstdError):
        yield DeadLetter(str(path), line[0], "corrupt", 0, digest(key, str(path).encode()))


def _unfinished(path: Path) -> bool:
    """Whether the last frame of a .zst file has no end: the streaming reader does not say."""
    with path.open("rb") as raw:
        decoder: Any = zstandard.ZstdDecompressor().decompressobj()
        while piece := raw.read(_READ):
            rest = piece
            while rest:
                if decoder.eof:
                    decoder = zstandard.ZstdDecompressor().decompressobj()
                decoder.decompress(rest)
                rest = decoder.unused_data if decoder.eof else b""
        return not decoder.eof


def blocks(path: Path, size: int, key: bytes) -> Iterator[Block]:
    """Blocks of about `size` bytes, each of whole lines.

    A line longer than `MAX_LINE` is passed over without being held, and counted as `too_long`.

    Args:
        path: .ndjson, .jsonl, .json, or these with .gz or .zst.
        size: bytes.
        key: of the digests.
    """
    line = [1]
    carry, dead, skipped = bytearray(), [], 0
    for piece in _pieces(path, key, line):
        if isinstance(piece, DeadLetter):
            dead.append(piece)
            break
        rest = piece
        if skipped:
            end = rest.find(b"\n")
            skipped += len(rest) if end < 0 else end
            if end < 0:
                continue
            dead.append(DeadLetter(str(path), line[0], "too_long", skipped, ""))
            line[0] += 1
            skipped, rest = 0, rest[end + 1 :]
        carry += rest
        end = carry.rfind(b"\n") + 1
        if len(carry) - end > MAX_LINE:
            skipped = len(carry) - end
            yield from _whole(carry, end, line, dead)
            carry, dead = bytearray(), []
        elif end >= size:
            yield from _whole(carry, end, line, dead)
            carry, dead = carry[end:], []
    if skipped:
        dead.append(DeadLetter(str(path), line[0], "too_long", skipped, ""))
    if dead and dead[-1].reason in ("truncated", "corrupt"):
        # What stands after the last line break was cut off in the middle.
        carry = carry[: carry.rfind(b"\n") + 1]
    yield from _whole(carry, len(carry), line, dead)


def _whole(carry: bytearray, end: int, line: list[int], dead: list[DeadLetter]) -> Iterator[Block]:
    data = bytes(carry[:end])
    if data or dead:
        yield Block(data, line[0], tuple(dead))
    line[0] += data.count(b"\n")
