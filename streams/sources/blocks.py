"""Blocks of whole lines out of a plain or compressed file, in bounded memory."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from streams.batch import DeadLetter, digest, hasher
from streams.decode import MAX_LINE, count_lines
from streams.sources.compressed import CORRUPT, opened, unfinished

_READ = 4 << 20


@dataclass(frozen=True)
class Block:
    """Whole lines.

    Attributes:
        data: the lines.
        first: number of the first one, from 1.
        lines: how many.
        dead: lines that were not kept, and an early end of the file.
    """

    data: bytes
    first: int
    lines: int
    dead: tuple[DeadLetter, ...] = ()


def _pieces(path: Path, key: bytes, line: list[int]) -> Iterator[bytes | DeadLetter]:
    """Bytes of a file, then a dead letter where it ends too early."""
    try:
        with opened(path) as file:
            while piece := file.read1(_READ):  # type: ignore[attr-defined]  # gives what there is before a broken end
                yield piece
            if unfinished(path):
                yield DeadLetter(str(path), line[0], "truncated", 0, digest(key, str(path).encode()))
    except EOFError:
        yield DeadLetter(str(path), line[0], "truncated", 0, digest(key, str(path).encode()))
    except CORRUPT:
        yield DeadLetter(str(path), line[0], "corrupt", 0, digest(key, str(path).encode()))


class LongLine:
    """A line that is passed over without being held.

    Attributes:
        length: bytes of it so far.
    """

    def __init__(self, start: bytes, key: bytes) -> None:
        self.length = 0
        self._hash = hasher(key)
        self.add(start)

    def add(self, piece: bytes) -> None:
        """Take in what comes next of it."""
        self.length += len(piece)
        self._hash.update(piece)

    def letter(self, source: str, number: int) -> DeadLetter:
        """Its dead letter, once it has ended."""
        return DeadLetter(source, number, "too_long", self.length, self._hash.hexdigest())


def blocks(path: Path, size: int, key: bytes) -> Iterator[Block]:
    """Blocks of about `size` bytes, each of whole lines.

    A line that is longer than `MAX_LINE` by more than a read is passed over without being held, and counted as `too_long`; for others
    `streams.decode` says so.

    Args:
        path: .ndjson, .jsonl, .json, or these with .gz or .zst.
        size: bytes.
        key: of the digests.
    """
    line = [1]
    held = _Held()
    dead: list[DeadLetter] = []
    long: LongLine | None = None
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
            dead.append(long.letter(str(path), line[0]))
            line[0] += 1
            long, rest = None, rest[end + 1 :]
        held.add(rest)
        if held.begun > MAX_LINE:
            data, start = held.take()
            long = LongLine(start, key)
            yield from _whole(data, line, dead)
            dead = []
        elif held.whole >= size:
            data, start = held.take()
            held.add(start)
            yield from _whole(data, line, dead)
            dead = []
    data, start = held.take()
    if long is not None:
        # Where the file breaks off within it, too: one record, one letter.
        dead.append(long.letter(str(path), line[0]))
    elif broken is not None:
        # What stands after the last line break was cut off in the middle.
        number = line[0] + data.count(b"\n")
        found = digest(key, start) if start else broken.digest
        dead.append(DeadLetter(str(path), number, broken.reason, len(start), found))
    else:
        data += start
    yield from _whole(data, line, dead)


class _Held:
    """Pieces of a file that are not handed on yet; they are put together once.

    Attributes:
        whole: bytes of whole lines.
        begun: bytes after the last line break.
    """

    def __init__(self) -> None:
        self._lines: list[memoryview] = []
        self._start: list[memoryview] = []
        self.whole = self.begun = 0

    def add(self, piece: bytes) -> None:
        """Take in what comes next in the file."""
        end, view = piece.rfind(b"\n") + 1, memoryview(piece)
        if end:
            self._lines += [*self._start, view[:end]]
            self._start = [view[end:]]
            self.whole, self.begun = self.whole + self.begun + end, len(piece) - end
        else:
            self._start.append(view)
            self.begun += len(piece)

    def take(self) -> tuple[bytes, bytes]:
        """The whole lines, and the beginning of one after them; nothing is held any more."""
        data, start = b"".join(self._lines), b"".join(self._start)
        self._lines, self._start, self.whole, self.begun = [], [], 0, 0
        return data, start


def _whole(data: bytes, line: list[int], dead: list[DeadLetter]) -> Iterator[Block]:
    if line[0] == 1:
        data = data.removeprefix(BOM_UTF8)
    lines = count_lines(data)
    if data or dead:
        yield Block(data, line[0], lines, tuple(dead))
    line[0] += lines
