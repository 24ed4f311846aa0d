"""Canaries: words that are nowhere else, planted in texts, and a search through everything that was written."""

import gzip
import html
import io
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from string import ascii_lowercase

import numpy as np
import polars as pl
import zstandard

from streams.checkpoint import unpack

_WORD = re.compile(rb"zq[a-z]{4}kx", re.IGNORECASE)
_HEAD = 12  # bytes of a checkpoint before what `unpack` takes: magic and version


@dataclass
class Canaries:
    """Unique words of plain letters: by nothing but where they stand are they masked or not.

    Attributes:
        planted: where each word was planted.
        fixed: words that widely shared templates have in common; a skeleton may show them.
    """

    planted: dict[str, str] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)
    _names: Iterator[tuple[str, ...]] = field(default_factory=lambda: product(ascii_lowercase, repeat=4))

    def word(self, where: str, *, fixed: bool = False) -> str:
        """A new word."""
        made = f"zq{''.join(next(self._names))}kx"
        self.planted[made] = where
        if fixed:
            self.fixed.add(made)
        return made

    def hits(self, data: bytes) -> set[str]:
        """Planted words that stand in some bytes, in any case."""
        return {found.lower().decode() for found in _WORD.findall(data)} & self.planted.keys()

    def leaks(self, name: str, data: bytes, skeletons: Iterable[str] = ()) -> set[str]:
        """Words that stand outside skeletons, as `where planted → where found`; fixed ones count unless `skeletons` is empty."""
        found = self.hits(_without(data, skeletons)) if skeletons else self.hits(data) - self.fixed
        return {f"{self.planted[word]} → {name}" for word in found}


def _without(data: bytes, skeletons: Iterable[str]) -> bytes:
    """Bytes less the skeletons in them, also where their end is cut off, as JSON, HTML and plain text spell them."""
    for text in skeletons:
        words = text.split(" ")
        for n in range(len(words), 2, -1):
            start = " ".join(words[:n])
            for spelled in {start, html.escape(start), json.dumps(start)[1:-1]}:
                data = data.replace(spelled.encode(), b"")
    return data


def written(folder: Path, inputs: Iterable[Path] = ()) -> Iterator[tuple[str, bytes, bool]]:
    """Every file below a folder: its name, its bytes as they lie there and in every form that can be unpacked, and which it is.

    Args:
        folder: searched through.
        inputs: files that were put there and not written.
    """
    given = set(inputs)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path not in given:
            try:
                data = path.read_bytes()
            except FileNotFoundError:  # a checkpoint that went meanwhile
                continue
            name = str(path.relative_to(folder))
            yield name, data, False
            yield from ((f"{name} unpacked", form, True) for form in _forms(path, data))


def _forms(path: Path, data: bytes) -> Iterator[bytes]:
    if path.suffix == ".gz":
        yield gzip.decompress(data)
    elif path.suffix == ".zst":
        yield zstandard.ZstdDecompressor().decompressobj().decompress(data)
    elif path.suffix == ".parquet":
        yield pl.read_parquet(io.BytesIO(data)).write_json().encode()
    elif path.suffix in {".checkpoint", ".posted"}:
        state = unpack(data[_HEAD:] if path.suffix == ".checkpoint" else data)
        yield b"\n".join(_leaves(state))
    elif data.startswith(b"SQLite format 3\0"):
        with closing(sqlite3.connect(path)) as database:
            yield "\n".join(database.iterdump()).encode()
    elif path.suffix not in {".db-wal", ".db-shm"}:
        yield data  # plain as it is


def _leaves(value: object) -> Iterator[bytes]:
    """Everything in a state that can hold text."""
    if isinstance(value, str):
        yield value.encode("utf-8", "surrogatepass")
    elif isinstance(value, bytes):
        yield value
    elif isinstance(value, np.ndarray):
        yield value.tobytes()
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(key)
            yield from _leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner)
