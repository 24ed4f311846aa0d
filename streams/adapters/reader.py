"""How lines become a batch: a chunk of the project's own goes straight to `streams.decode`, a foreign one through adapters first."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any, Final

import msgspec

from streams.adapters.base import Adapter, Json
from streams.adapters.registry import AUTO, NATIVE, adapters
from streams.batch import Batch, DeadLetter, digest
from streams.decode import Bad, Origin, decode_lines, letters, parse

Reader = Callable[[bytes, Origin], Batch]
_FIRST: Final = 16  # records that tell the format of a source
_encode = msgspec.json.Encoder().encode


class Format:
    """A format as it was asked for.

    Args:
        wanted: `auto`, `revenuer`, a name of the registry, or the path of a field map.
        account_path: dotted path of the account id in foreign records; each format's own guess where None.
        unread: columns that nobody reads, see `decode_lines`; of the project's own format.

    Raises:
        MapError: the name is none, or the map is broken.
    """

    def __init__(self, wanted: str = AUTO, account_path: str | None = None, unread: Collection[str] = ()) -> None:
        self.wanted = wanted
        self.native: Reader = partial(decode_lines, unread=frozenset(unread)) if unread else decode_lines
        self.adapters: Sequence[Adapter] = () if wanted == NATIVE else adapters(wanted, account_path)

    def reader(self) -> Reader:
        """A reader for one source: it may remember what it has found there."""
        if self.wanted == NATIVE:
            return self.native
        return Recognising(self.adapters, self.native) if self.wanted == AUTO else Foreign(self.adapters, native=False)

    def mixed(self) -> Reader:
        """A reader for records of which each may be of another format, as a batch that was posted."""
        return Foreign(self.adapters, native=self.wanted in (AUTO, NATIVE))


@dataclass
class Recognising:
    """Takes the format from the first records of a source that say one, and stays with it.

    Attributes:
        adapters: formats that are known besides the project's own.
        native: reads the project's own.
    """

    adapters: Sequence[Adapter]
    native: Reader = decode_lines
    _chosen: Reader | None = None

    def __call__(self, data: bytes, origin: Origin) -> Batch:
        """Decode a chunk of whole lines."""
        if self._chosen is None:
            self._chosen = self._recognised(data)
        # Where nothing was recognised, the next chunk is looked at again; that of the project's own says best what is wrong.
        return (self._chosen or self.native)(data, origin)

    def _recognised(self, data: bytes) -> Reader | None:
        for line in islice(_lines(data), _FIRST):
            record = parse(line)
            if isinstance(record, Bad):
                continue
            if _is_native(record):
                return self.native
            if any(adapter.recognises(record) for adapter in self.adapters):
                return Foreign(self.adapters, native=True)
        return None


@dataclass(frozen=True)
class Foreign:
    """Reads every record by the adapter that recognises it.

    Attributes:
        adapters: asked in this order.
        native: whether other records are read as the project's own; they are refused as `unrecognised` otherwise.
    """

    adapters: Sequence[Adapter]
    native: bool

    def __call__(self, data: bytes, origin: Origin) -> Batch:
        """Decode a chunk of whole lines; a record with several exchanges counts as that many."""
        made = _Made()
        lines = data.split(b"\n")
        for number, line in enumerate(lines):
            if line.strip():
                self._take(number, line, made)
        batch = decode_lines(b"\n".join(made.lines), Origin(origin.name, 0, origin.key))
        dead = [_of_line(letter, made.owners[letter.position], lines, origin) for letter in batch.dead]
        dead += letters(made.bad, data, origin)
        dead.sort(key=lambda letter: letter.position)
        return Batch(batch.frame, dead, batch.read + len(made.bad), made.skipped, batch.repaired)

    def _take(self, number: int, line: bytes, made: "_Made") -> None:
        record = parse(line)
        if isinstance(record, Bad):
            made.bad.append((number, record))
            return
        adapter = next((a for a in self.adapters if a.recognises(record)), None)
        if adapter is None:
            if self.native:
                made.add(number, line)
            else:
                made.bad.append((number, Bad("unrecognised")))
            return
        found = list(adapter.exchanges(record))
        made.skipped += not found
        for exchange in found:
            encoded = _encoded(exchange)
            if encoded is None:
                made.bad.append((number, Bad("too_deep")))
            else:
                made.add(number, encoded)


@dataclass
class _Made:
    """What became of the lines of a chunk.

    Attributes:
        lines: exchanges, encoded.
        owners: number of the line that each came from.
        bad: lines that are none, and why.
        skipped: records that tell of no exchange.
    """

    lines: list[bytes] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    bad: list[tuple[int, Bad]] = field(default_factory=list)
    skipped: int = 0

    def add(self, number: int, line: bytes) -> None:
        """Keep an exchange of a line."""
        self.owners.append(number)
        self.lines.append(line)


def _lines(data: bytes) -> Iterator[bytes]:
    """Lines that hold something, without splitting all of the data."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        stop = len(data) if end < 0 else end
        if line := data[start:stop].strip():
            yield line
        start = stop + 1


def _is_native(record: Json) -> bool:
    return "account_id" in record and "request_id" in record and "ts" in record


def _encoded(exchange: dict[str, Any]) -> bytes | None:
    try:
        return _encode(exchange)
    except (RecursionError, ValueError):  # deeper than what a line of JSON may be
        return None


def _of_line(letter: DeadLetter, number: int, lines: list[bytes], origin: Origin) -> DeadLetter:
    """The letter of the line that the exchange came from, as who has the log knows it."""
    line = lines[number]
    return replace(letter, position=origin.first + number, length=len(line), digest=digest(origin.key, line))
