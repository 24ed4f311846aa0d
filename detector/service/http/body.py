"""Bodies of ingest requests: unpacked within bounds, arrays made lines."""

import zlib
from typing import Any

import msgspec
import zstandard
from fastapi import HTTPException

_WINDOW = 27  # log2 of the largest zstd window, 128 MiB


def unpacked(body: bytes, encoding: str | None, most: int) -> bytes:
    """A body without its content encoding.

    Raises:
        HTTPException: the encoding is unknown (415), broken (422) or holds too much (413).
    """
    if encoding in (None, "", "identity"):
        return body
    try:
        if encoding == "gzip":
            return _gunzip(body, most)
        if encoding == "zstd":
            return _unzstd(body, most)
    except (zlib.error, zstandard.ZstdError) as error:
        raise HTTPException(422, f"The body is no {encoding}.") from error
    raise HTTPException(415, "Content-Encoding may be gzip, zstd or absent.", {"Accept-Encoding": "gzip, zstd"})


def _gunzip(body: bytes, most: int) -> bytes:
    out = bytearray()
    rest = body
    while rest:
        member = zlib.decompressobj(31)
        out += member.decompress(rest, most + 1 - len(out))
        _check(len(out), most)
        if not member.eof:
            raise zlib.error("it ends too early")
        rest = member.unused_data
    return bytes(out)


def _unzstd(body: bytes, most: int) -> bytes:
    out = bytearray()
    rest = body
    while rest:
        frame: Any = zstandard.ZstdDecompressor(max_window_size=1 << _WINDOW).decompressobj()
        # In pieces, so that a bomb is noticed before it has gone off.
        for start in range(0, len(rest), 1 << 14):
            out += frame.decompress(rest[start : start + (1 << 14)])
            _check(len(out), most)
            if frame.eof:
                rest = frame.unused_data + rest[start + (1 << 14) :]
                break
        else:
            raise zstandard.ZstdError("it ends too early")
    return bytes(out)


def _check(size: int, most: int) -> None:
    if size > most:
        raise HTTPException(413, f"The unpacked body may have {most} bytes; send it in parts.")


def is_array(body: bytes) -> bool:
    """Whether a body begins like a JSON array, as LiteLLM's `generic_api` and Kong's `http-log` post them."""
    return body.lstrip()[:1] == b"["


def lines(body: bytes) -> bytes:
    """Elements of a JSON array, one a line.

    Raises:
        HTTPException: it is none (422).
    """
    try:
        items = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError) as error:
        raise HTTPException(422, "The body begins like a JSON array and is none.") from error
    return b"\n".join(bytes(item).replace(b"\n", b" ") for item in items)
