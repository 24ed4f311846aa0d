"""Checkpoints: offsets and state, saved together, so that after any stop the next start goes on from the same moment.

What may go wrong, and what happens then:

- killed while writing: the file has no name yet; the one before holds;
- the newest file is damaged: its checksum tells, the one before holds, and the caller is told;
- written by an older version: migrated step by step; by a newer one: refused.

Nothing is unpickled: a file can hold numbers, texts, lists, maps and arrays, and nothing else.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import zstandard

State = dict[str, Any]
Migration = Callable[[State], State]

_MAGIC: Final = b"REVENUER"
_SUM: Final = 32  # bytes of BLAKE2b
_HEAD: Final = len(_MAGIC) + 4 + _SUM
_ARRAY: Final = 1  # code of the msgpack extension
_LEVEL: Final = 1  # of zstd: a checkpoint must be quick more than small
_MOST: Final = 64 << 30  # bytes unpacked; a file that claims more is damaged
_KINDS: Final = "biuf"  # of arrays: booleans and numbers


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used; the message names the file and why."""


def _encode(value: object) -> msgspec.msgpack.Ext:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in _KINDS:
        raise TypeError(f"{type(value).__name__} does not go into a checkpoint")
    head = msgspec.msgpack.encode((value.dtype.str, value.shape))
    return msgspec.msgpack.Ext(_ARRAY, len(head).to_bytes(2, "little") + head + np.ascontiguousarray(value).tobytes())


def _decode(code: int, data: memoryview) -> np.ndarray[Any, Any]:
    if code != _ARRAY:
        raise ValueError(f"unknown extension {code}")
    size = int.from_bytes(data[:2], "little")
    kind, shape = msgspec.msgpack.decode(data[2 : 2 + size], type=tuple[str, tuple[int, ...]])
    dtype = np.dtype(kind)
    if dtype.kind not in _KINDS:
        raise ValueError(f"an array of {kind}")
    return np.frombuffer(data[2 + size :], dtype).reshape(shape).copy()


def pack(state: State) -> bytes:
    """A state as bytes with their checksum.

    Raises:
        TypeError: something in it is neither plain nor an array of numbers.
    """
    body = zstandard.ZstdCompressor(_LEVEL).compress(msgspec.msgpack.encode(state, enc_hook=_encode))
    return hashlib.blake2b(body, digest_size=_SUM).digest() + body


def unpack(data: bytes) -> State:
    """The state of `pack`.

    Raises:
        ValueError: it is damaged.
    """
    body = data[_SUM:]
    if hashlib.blake2b(body, digest_size=_SUM).digest() != data[:_SUM]:
        raise ValueError("its checksum does not match")
    plain = zstandard.ZstdDecompressor().decompress(body, max_output_size=_MOST)
    state = msgspec.msgpack.decode(plain, ext_hook=_decode)
    if not isinstance(state, dict):
        raise ValueError("it holds no state")  # noqa: TRY004 - damage of a file, not a wrong argument
    return state


def write_durably(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all, whenever the process or the machine stops."""
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        # On a full disk, what is left of it would hold the space that others need.
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Checkpoints:
    """The checkpoints of one process in a folder of its own.

    Args:
        folder: made where it is missing.
        version: of the state; goes into each file.
        migrations: by version, what turns its state into that of the next one.
        keep: newest ones that are kept.
    """

    def __init__(
        self, folder: Path, version: int = 1, migrations: Mapping[int, Migration] | None = None, keep: int = 3
    ) -> None:
        self.folder, self.version, self.keep = folder, version, keep
        self.migrations = dict(migrations or {})
        self.problems: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob("*.part"):  # of a process that was killed
            part.unlink()

    def save(self, state: State, keep: int | None = None) -> Path:
        """Write the newest checkpoint; older ones than `keep`, by default that of all, go."""
        known = self._files()
        number = int(known[-1].stem) + 1 if known else 1
        path = self.folder / f"{number:012d}.checkpoint"
        write_durably(path, _MAGIC + self.version.to_bytes(4, "little") + pack(state))
        for old in [*known, path][: -(keep or self.keep)]:
            old.unlink()
        return path

    def load(self) -> State | None:
        """The newest state that can be read; None where there is no checkpoint. `problems` names those passed over.

        Raises:
            CheckpointError: there are checkpoints, and none can be read, or the newest one is of a later version.
        """
        self.problems = []
        for path in reversed(self._files()):
            try:
                return self._read(path)
            except (ValueError, OSError, zstandard.ZstdError, msgspec.DecodeError) as error:
                self.problems.append(f"{path.name}: {error}")
        if self.problems:
            raise CheckpointError(f"{self.folder}: no checkpoint can be read: {self.problems[0]}")
        return None

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.checkpoint"))

    def _read(self, path: Path) -> State:
        data = path.read_bytes()
        if len(data) < _HEAD or not data.startswith(_MAGIC):
            raise ValueError("it is no checkpoint")
        version = int.from_bytes(data[len(_MAGIC) : len(_MAGIC) + 4], "little")
        state = unpack(data[len(_MAGIC) + 4 :])
        if version > self.version:
            raise CheckpointError(f"{path}: version {version}, and this program knows up to {self.version}")
        for step in self._steps(path, version):
            state = step(state)
        return state

    def _steps(self, path: Path, version: int) -> Iterator[Migration]:
        for number in range(version, self.version):
            if number not in self.migrations:
                raise CheckpointError(f"{path}: no way from version {number} to {number + 1}")
            yield self.migrations[number]
