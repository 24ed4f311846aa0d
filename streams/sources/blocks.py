"""Blocks of whole lines out of a plain or compressed file, in bounded memory."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from streams.batch import DeadLetter, digest, hasher
from streams.decode import MAX_LINE
from streams.sources.compressed import CORRUPT, opened, unfinished

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


def _pieces(path: Path, key: bytes, line: list[int]) -> Iterator[bytes | DeadLetter]:
    """Bytes of a file, then a dead letter where it ends too early."""
    try:
        with opened(path) as file:
            while piece := file.read1(_READ):  # type: ignore[attr-defined]  # gives what there is before a broken end
                yield piece
            if path.suffix == ".zst" and unfinished(path):
                yield DeadLetter(str(path), line[0], "truncated", 0, digest(key, str(path).encode()))
    except EOFError:
        yield DeadLetter(str(path), line[0], "truncated", 0, digest(key, str(path).encode()))
    except CORRUPT:
        yield DeadLetter(str(path), line[0], "corrupt", 0, digest(key, str(path).encode()))


class _Long:
    """A line that is passed over without being held."""

    def __init__(self, start: bytes, key: bytes) -> None:
        self.length = 0
        self._hash = hasher(key)
        self.add(start)

    def add(self, piece: bytes) -> None:
        self.length += len(piece)
        self._hash.update(piece)

    def letter(self, path: Path, number: int) -> DeadLetter:
        return DeadLetter(str(path), number, "too_long", self.length, self._hash.hexdigest())


def blocks(path: Path, size: int, key: bytes) -> Iterator[Block]:
    """Blocks of about `size` bytes, each of whole lines.

    A line longer than `MAX_LINE` is passed over without being held, and counted as `too_long`.

    Args:
        path: .ndjson, .jsonl, .json, or these with .gz or .zst.
        size: bytes.
        key: of the digests.
    """
    line = [1]
    carry, dead = bytearray(), []
    long: _Long | None = None
    broken: DeadLetter | None = None
    for piece in _pieces(path, key, line):
        if isinstance(piece, DeadLetter):
            broken = piece
            break
        rest = piece
        if long is not None:
            end = rest.find(b"\n")
            long.add(rest if end < 0 else rest[:end])
            if end < 0:
                continue
            dead.append(long.letter(path, line[0]))
            line[0] += 1
            long, rest = None, rest[end + 1 :]
        carry += rest
        end = carry.rfind(b"\n") + 1
        if len(carry) - end > MAX_LINE:
            long = _Long(bytes(carry[end:]), key)
            yield from _whole(path, carry, end, line, dead, key)
            carry, dead = bytearray(), []
        elif end >= size:
            yield from _whole(path, carry, end, line, dead, key)
            carry, dead = carry[end:], []
    if long is not None:
        # Where the file breaks off within it, too: one record, one letter.
        dead.append(long.letter(path, line[0]))
    elif broken is not None:
        # What stands after the last line break was cut off in the middle.
        end = carry.rfind(b"\n") + 1
        cut = bytes(carry[end:])
        number = line[0] + carry.count(b"\n")
        dead.append(DeadLetter(str(path), number, broken.reason, len(cut), digest(key, cut) if cut else broken.digest))
        carry = carry[:end]
    yield from _whole(path, carry, len(carry), line, dead, key)


def _whole(
    path: Path, carry: bytearray, end: int, line: list[int], dead: list[DeadLetter], key: bytes
) -> Iterator[Block]:
    data = bytes(carry[:end])
    lines = data.count(b"\n")
    if _has_long(data):
        data, long = _without_long(path, data, line[0], key)
        dead = [*dead, *long]
    if data or dead:
        yield Block(data, line[0], tuple(dead))
    line[0] += lines


def _has_long(data: bytes) -> bool:
    """Whether a line is over-long; looks at a few line breaks only, since nearly all blocks have none."""
    start = 0
    while len(data) - start > MAX_LINE:
        start = data.rfind(b"\n", start, start + MAX_LINE + 1) + 1
        if start == 0:
            return True
    return False


def _without_long(path: Path, data: bytes, first: int, key: bytes) -> tuple[bytes, list[DeadLetter]]:
    """Over-long lines blanked, so that the others keep their numbers."""
    kept, dead, start = [], [], 0
    for number in itertools.count(first):
        end = data.find(b"\n", start)
        stop = len(data) if end < 0 else end
        if stop - start > MAX_LINE:
            kept.append(data[:0])
            dead.append(DeadLetter(str(path), number, "too_long", stop - start, digest(key, data[start:stop])))
        else:
            kept.append(data[start:stop])
        if end < 0:
            break
        start = end + 1
    return (b"\n".join(kept) if dead else data), dead
