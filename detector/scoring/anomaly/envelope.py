"""A file of named arrays and facts: versioned, checked, bounded, and without pickle.

    magic (8 bytes) · version u32 · length of the header u32 · SHA-256 of all that follows (32 bytes) · header (JSON) · arrays

Nothing in it can name code. A reader believes no size before it has compared it with the file's own. The checksum finds damage; it
is no signature, so a model file deserves the protection of a configuration file.
"""

import hashlib
import math
import os
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

MAGIC: Final = b"RVNRMODL"
VERSION: Final = 1
MOST_BYTES: Final = 64 << 20
MOST_HEADER: Final = 1 << 20
MOST_ARRAYS: Final = 256
DTYPES: Final = ("<f8", "<f4", "<i8", "<i4")

_HEAD: Final = struct.Struct("<8sII32s")

Array = npt.NDArray[Any]


class EnvelopeError(ValueError):
    """The file is no model that this version reads; the message is one line."""


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    dtype: str
    shape: list[int]


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    facts: dict[str, Any]
    arrays: dict[str, _Entry]


class Content(NamedTuple):
    """What a file holds.

    Attributes:
        facts: JSON values.
        arrays: by name, read-only.
    """

    facts: dict[str, Any]
    arrays: dict[str, Array]


def save(path: Path, facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write a file in one step: a reader sees the old one or the new one.

    Args:
        path: where.
        facts: JSON values.
        arrays: by name, of a kind in `DTYPES`.

    Raises:
        EnvelopeError: an array is of another kind, or there is too much.
        OSError: it cannot be written.
    """
    entries, blobs = {}, []
    for name, array in arrays.items():
        kind = array.dtype.newbyteorder("<").str
        if kind not in DTYPES:
            raise EnvelopeError(f"array {name} is of kind {kind}; kept are {', '.join(DTYPES)}")
        entries[name] = _Entry(kind, list(array.shape))
        blobs.append(np.ascontiguousarray(array, dtype=kind).tobytes())
    header = msgspec.json.encode(_Header(dict(facts), entries))
    body = header + b"".join(blobs)
    if len(header) > MOST_HEADER or len(body) > MOST_BYTES or len(entries) > MOST_ARRAYS:
        raise EnvelopeError(f"{len(body):,} bytes in {len(entries)} arrays are more than a model file holds")
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(_HEAD.pack(MAGIC, VERSION, len(header), hashlib.sha256(body).digest()) + body)
    os.replace(file.name, path)  # noqa: PTH105 - of a name, not a path


def load(path: Path) -> Content:
    """Read a file.

    Raises:
        EnvelopeError: it is none, damaged, of another version, or too large.
        OSError: it cannot be read.
    """
    if path.stat().st_size > MOST_BYTES + _HEAD.size:
        raise EnvelopeError(f"{path}: larger than {MOST_BYTES:,} bytes")
    raw = path.read_bytes()
    if len(raw) < _HEAD.size or not raw.startswith(MAGIC):
        raise EnvelopeError(f"{path}: not a model of revenuer (pickles, .npz and .pt files are never opened)")
    _, version, length, digest = _HEAD.unpack_from(raw)
    if version != VERSION:
        raise EnvelopeError(f"{path}: a model of version {version}; this revenuer reads version {VERSION}")
    body = memoryview(raw)[_HEAD.size :]
    if hashlib.sha256(body).digest() != digest:
        raise EnvelopeError(f"{path}: damaged: the checksum is wrong")
    if length > min(MOST_HEADER, len(body)):
        raise EnvelopeError(f"{path}: damaged: a header of {length:,} bytes")
    try:
        header = msgspec.json.decode(body[:length], type=_Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EnvelopeError(f"{path}: damaged: {error}") from error
    return Content(header.facts, _arrays(path, header, body[length:]))


def _arrays(path: Path, header: _Header, data: memoryview) -> dict[str, Array]:
    if len(header.arrays) > MOST_ARRAYS:
        raise EnvelopeError(f"{path}: damaged: {len(header.arrays)} arrays")
    arrays, at = {}, 0
    for name, entry in header.arrays.items():
        if entry.dtype not in DTYPES or any(n < 0 for n in entry.shape):
            raise EnvelopeError(f"{path}: array {name} is of kind {entry.dtype} {entry.shape}, which is not read")
        kind, count = np.dtype(entry.dtype), math.prod(entry.shape)
        if at + count * kind.itemsize > len(data):
            raise EnvelopeError(f"{path}: damaged: array {name} ends beyond the file")
        arrays[name] = np.frombuffer(data, kind, count, at).reshape(entry.shape)
        at += count * kind.itemsize
    if at != len(data):
        raise EnvelopeError(f"{path}: damaged: {len(data) - at} bytes too many")
    return arrays
