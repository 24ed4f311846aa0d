"""Compressed files: read once, in bounded memory, and what is wrong with them is told once, with its line."""

import gzip
import json
import random
import tracemalloc
from codecs import BOM_UTF8

import pytest
import zstandard

from streams import decode
from streams.decode import MAX_LINE, Origin, decode_lines
from streams.sources.blocks import blocks
from streams.sources.compressed import unfinished
from streams.sources.cursor import first_time
from streams.sources.files import FileSource

GOOD = {"ts": 1780000000.0, "request_id": "r1", "account_id": "a1", "model": "m"}


def line(**changes):
    return json.dumps({**GOOD, **changes}).encode()


def read(path):
    batches = list(FileSource([path]).batches())
    dead = [d for b in batches for d in b.dead]
    ids = [i for b in batches for i in b.frame["request_id"]]
    assert sum(b.read for b in batches) == len(ids) + len(dead)
    return ids, dead


@pytest.mark.parametrize("checksum", [True, False])
def test_the_end_of_a_zst_file_is_known_at_every_byte_without_decompressing(tmp_path, monkeypatch, checksum):
    pack = zstandard.ZstdCompressor(write_checksum=checksum, write_content_size=checksum).compress
    skippable = (0x184D2A51).to_bytes(4, "little") + (5).to_bytes(4, "little") + b"hello"
    frames = [pack(b"abc" * 50), skippable, pack(b""), pack(b"z" * 300_000)]
    ends = {sum(map(len, frames[:k])) for k in range(1, len(frames) + 1)}
    monkeypatch.setattr(zstandard, "ZstdDecompressor", None)
    whole = b"".join(frames)
    path = tmp_path / "log.ndjson.zst"
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        assert unfinished(path) == (cut not in ends)


def test_a_zst_file_is_decompressed_once(tmp_path, monkeypatch):
    path = tmp_path / "log.ndjson.zst"
    path.write_bytes(b"".join(zstandard.compress(line(request_id=f"r{i}") + b"\n") for i in range(3)))
    made = []
    real = zstandard.ZstdDecompressor
    monkeypatch.setattr(zstandard, "ZstdDecompressor", lambda: made.append(1) or real())
    assert [b.data.count(b"\n") for b in blocks(path, 1 << 20, b"")] == [3]
    assert made == [1]


def packed(name, data):
    return gzip.compress(data, 1) if name == "gz" else zstandard.compress(data)


@pytest.mark.parametrize("name", ["gz", "zst"])
def test_an_archive_without_a_byte_is_truncated(tmp_path, name):
    path = tmp_path / f"log.ndjson.{name}"
    path.write_bytes(b"")
    ids, (letter,) = read(path)
    assert ids == []
    assert (letter.reason, letter.position, letter.length) == ("truncated", 1, 0)
    path.write_bytes(packed(name, b""))
    assert read(path) == ([], [])


@pytest.mark.parametrize("name", ["", "gz", "zst"])
def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path, name):
    path = tmp_path / f"log.ndjson.{name}".rstrip(".")
    whole = BOM_UTF8 + b"\n".join([line(), BOM_UTF8 + line(request_id="r2"), line(request_id="r3")])
    path.write_bytes(packed(name, whole) if name else whole)
    ids, (letter,) = read(path)
    assert ids == ["r1", "r3"]
    assert (letter.reason, letter.position) == ("not_json", 2)
    assert first_time(path, b"") == 1780000000_000_000
    path.write_bytes(packed(name, BOM_UTF8) if name else BOM_UTF8)
    assert read(path) == ([], [])


@pytest.mark.parametrize("name", ["gz", "zst"])
def test_where_an_archive_breaks_off_is_the_line_that_is_cut(tmp_path, name):
    # A blank line has a number, but is no record.
    lines = [line(request_id=f"r{i}", prompt=f"{i * 7919}") for i in range(60_000)]
    path = tmp_path / f"cut.ndjson.{name}"
    path.write_bytes(packed(name, b"\n" + b"\n".join(lines))[:-20_000])
    ids, (letter,) = read(path)
    assert ids == [f"r{i}" for i in range(len(ids))]
    assert ids
    assert (letter.reason, letter.position) == ("truncated", len(ids) + 2)
    assert letter.length < len(lines[-1])


@pytest.mark.parametrize("name", ["gz", "zst"])
def test_an_over_long_line_that_breaks_off_is_one_dead_letter(tmp_path, name):
    path = tmp_path / f"cut.ndjson.{name}"
    noise = random.Random(1).randbytes(19 << 20).replace(b"\n", b" ")
    path.write_bytes(packed(name, line() + b"\n" + noise)[: -(1 << 20)])
    ids, (letter,) = read(path)
    assert ids == ["r1"]
    assert (letter.reason, letter.position) == ("too_long", 2)
    assert MAX_LINE < letter.length < len(noise)


def test_an_over_long_line_is_not_held(tmp_path):
    path = tmp_path / "log.ndjson.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(12):
            file.write(b"x" * (16 << 20))
        file.write(b"\n" + line())
    tracemalloc.start()
    try:
        (first, last) = (list(blocks(path, 24 << 20, b"key")) * 2)[:2]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [(d.reason, d.length, d.position) for d in first.dead] == [("too_long", 12 << 24, 1)]
    assert decode_lines(last.data, Origin("f", last.first, b"")).frame.height == 1
    assert peak < 96 << 20


def test_lines_are_only_looked_at_one_by_one_where_one_is_over_long(monkeypatch):
    monkeypatch.setattr(decode, "MAX_LINE", 5)
    for data in (b"", b"12345", b"12345\n12345\n", b"1\n" * 9, b"\n\n12345\n\n12345"):
        assert not decode.has_long(data)
    for data in (b"123456", b"123456\n", b"1\n123456\n1", b"12345\n123456", b"1\n2\n3\n4\n123456\n\n"):
        assert decode.has_long(data)
