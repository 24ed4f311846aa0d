"""Parquet files are read as strictly as JSON, and a broken one never stops a run."""

import random
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.sources import SourceError
from streams.sources.files import FileSource

TS = 1780000000.0


def read(*paths):
    batches = list(FileSource(paths).batches())
    dead = [d for b in batches for d in b.dead]
    frame = pl.concat([b.frame for b in batches])
    assert sum(b.read for b in batches) == frame.height + len(dead)
    return frame, dead


def write(path, **columns):
    base = {"ts": [TS, TS + 1, TS + 2], "request_id": ["r0", "r1", "r2"], "account_id": ["x"] * 3, "model": ["m"] * 3}
    pl.DataFrame({**base, **columns}).write_parquet(path)
    return path


WRONG = {
    "nan": ("n", [2.0, float("nan"), None]),
    "fraction": ("n", [2.0, 2.5, None]),
    "infinity": ("n", [2.0, float("inf"), None]),
    "decimal": ("n", [Decimal("2.0"), Decimal("2.5"), None]),
    "large": ("n", pl.Series([2, 2**64 - 1, None], dtype=pl.UInt64)),
    "word": ("n", ["2", "two", None]),
    "float": ("top_p", [0.5, float("nan"), None]),
    "bytes": ("user_agent", [b"ok", b"\xff", None]),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_value_that_does_not_fit_refuses_its_row_with_its_field(tmp_path, kind):
    field, values = WRONG[kind]
    frame, dead = read(write(tmp_path / "log.parquet", **{field: values}))
    assert frame["request_id"].to_list() == ["r0", "r2"]
    assert frame[field][0] is not None
    assert [(d.position, d.reason, d.detail) for d in dead] == [(2, "wrong_type", field)]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("n", [True, False, None]),
        ("n", [{"a": 1}, {"a": 2}, None]),
        ("n", [[1], [2], None]),
        ("n", [datetime(2026, 6, 1, tzinfo=UTC)] * 2 + [None]),
        ("top_p", [True, False, None]),
        ("stream", ["true", "x", None]),
        ("stream", [1, 0, None]),
        ("tools", ["a", "b", None]),
        ("tools", [[{"a": 1}], [{"a": 1}], None]),
    ],
)
def test_a_column_of_another_kind_refuses_the_rows_that_hold_something(tmp_path, field, values):
    frame, dead = read(write(tmp_path / "log.parquet", **{field: values}))
    assert frame["request_id"].to_list() == ["r2"]
    assert [(d.position, d.reason, d.detail) for d in dead] == [(i, "wrong_type", field) for i in (1, 2)]


def test_a_nested_time_and_a_nested_text(tmp_path):
    frame, dead = read(write(tmp_path / "a.parquet", ts=[[1]] * 3))
    assert frame.is_empty()
    assert {d.reason for d in dead} == {"ts_unreadable"}
    frame, dead = read(write(tmp_path / "b.parquet", user_agent=[{"a": 1}, {"a": 2}, None]))
    assert frame["user_agent"].to_list() == ['{"a":1}', '{"a":2}', None]
    assert not dead


def test_a_broken_row_group_is_one_letter_and_the_others_are_read(tmp_path):
    path = tmp_path / "log.parquet"
    n = 3000
    rows = {"ts": [TS + i for i in range(n)], "request_id": [f"{i * 7919}" for i in range(n)]}
    table = pa.table({**rows, "account_id": ["x"] * n, "model": ["m"] * n})
    pq.write_table(table, path, row_group_size=1000)
    data = bytearray(path.read_bytes())
    at = pq.ParquetFile(path).metadata.row_group(1).column(1).dictionary_page_offset
    data[at : at + 500] = b"\xff" * 500
    path.write_bytes(data)
    frame, (letter,) = read(path)
    assert frame["request_id"].to_list() == [*rows["request_id"][:1000], *rows["request_id"][2000:]]
    assert (letter.reason, letter.position, letter.detail) == ("corrupt", 1001, "rows 1001 to 2000")


def test_a_text_that_is_no_utf8_refuses_its_row_only(tmp_path):
    n = 500
    texts = [b"ok"] * n
    texts[321] = b"\xff\xfe"
    # An array of texts that holds what it must not: its buffers are those of bytes.
    raw = pa.array(texts, pa.binary())
    bad = pa.StringArray.from_buffers(n, raw.buffers()[1], raw.buffers()[2])
    table = pa.table({"ts": [TS] * n, "request_id": [f"r{i}" for i in range(n)], "account_id": ["x"] * n, "model": bad})
    pq.write_table(table, tmp_path / "log.parquet")
    frame, (letter,) = read(tmp_path / "log.parquet")
    assert frame["request_id"].to_list() == [f"r{i}" for i in range(n) if i != 321]
    assert (letter.position, letter.reason) == (322, "invalid_utf8")


@pytest.mark.parametrize("garbage", [b"", b"PAR1", b"PAR1 no footer", b"PAR1" + b"\xff" * 90 + b"\x40\0\0\0PAR1"])
def test_garbage_beside_a_good_file(tmp_path, garbage):
    (tmp_path / "a.parquet").write_bytes(garbage)
    write(tmp_path / "b.parquet")
    frame, (letter,) = read(tmp_path)
    assert frame.height == 3
    assert (letter.source, letter.reason, letter.length) == (str(tmp_path / "a.parquet"), "corrupt", len(garbage))


@pytest.mark.parametrize("compression", ["none", "snappy"])
def test_no_changed_bytes_stop_a_run(tmp_path, compression):
    n = 200
    table = pa.table({"ts": [TS] * n, "request_id": [f"r{i}" for i in range(n)], "account_id": ["x"] * n})
    table = table.append_column("model", pa.array(["m"] * n)).append_column("n", pa.array(range(n)))
    pq.write_table(table, tmp_path / "log.parquet", row_group_size=50, compression=compression)
    data = (tmp_path / "log.parquet").read_bytes()
    rng = random.Random(7)
    for _ in range(200):
        changed = bytearray(data)
        at = rng.randrange(4, len(data) - 8)
        changed[at : at + 4] = rng.randbytes(4)
        (tmp_path / "log.parquet").write_bytes(changed)
        try:
            read(tmp_path / "log.parquet")
        except SourceError as error:
            # A change in the name of a column: that is told as what it looks like.
            if "required column" not in str(error):
                raise
