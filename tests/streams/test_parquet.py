"""Parquet files are read as strictly as JSON, and a broken one never stops a run."""

import json
import random
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from detector.simulator.generate import write as simulate
from detector.simulator.world import load_world
from streams.sources import SourceError, parquet
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


def arrow(**columns):
    """A table of three rows whose columns have types that polars does not write."""
    base = {"request_id": ["r0", "r1", "r2"], "account_id": ["x"] * 3, "model": ["m"] * 3}
    return pa.table({**base, **columns})


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


@pytest.mark.parametrize("values", [[{"a": 1}, {"a": 2}, None], [[1], [], None], [True, False, None]])
@pytest.mark.parametrize("field", ["org_id", "conversation_id"])
def test_an_identifier_is_no_json(tmp_path, field, values):
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


def test_a_broken_row_group_is_a_letter_a_row_and_the_others_are_read(tmp_path):
    path = tmp_path / "log.parquet"
    n = 3000
    rows = {"ts": [TS + i for i in range(n)], "request_id": [f"{i * 7919}" for i in range(n)]}
    table = pa.table({**rows, "account_id": ["x"] * n, "model": ["m"] * n})
    pq.write_table(table, path, row_group_size=1000)
    data = bytearray(path.read_bytes())
    at = pq.ParquetFile(path).metadata.row_group(1).column(1).dictionary_page_offset
    data[at : at + 500] = b"\xff" * 500
    path.write_bytes(data)
    frame, dead = read(path)
    assert frame["request_id"].to_list() == [*rows["request_id"][:1000], *rows["request_id"][2000:]]
    assert [(d.reason, d.position) for d in dead] == [("corrupt", i) for i in range(1001, 2001)]
    assert len({d.digest for d in dead}) == 1000


def test_a_broken_group_that_says_to_have_countless_rows_is_one_letter(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "_MOST", 2)
    path = tmp_path / "log.parquet"
    pq.write_table(arrow(ts=pa.array([TS] * 3)), path)
    data = bytearray(path.read_bytes())
    data[4:60] = b"\xff" * 56
    path.write_bytes(data)
    frame, (letter,) = read(path)
    assert frame.is_empty()
    assert (letter.reason, letter.position, letter.detail) == ("corrupt", 1, "rows 1 to 3")


SECONDS = 1772409638
OVERFLOWING = [
    ("ms", SECONDS * 10**9),
    ("s", SECONDS * 10**6),  # a file has no seconds, but says that they were
    *((unit, value) for unit in ("ms", "us") for value in (2**62, 2**63 - 1, -(2**63))),
]


@pytest.mark.parametrize("zone", [None, "UTC", "+05:30"])
@pytest.mark.parametrize(("unit", "value"), OVERFLOWING)
def test_a_time_that_overflows_refuses_its_row_only(tmp_path, unit, value, zone):
    good = SECONDS * {"s": 1, "ms": 10**3, "us": 10**6}[unit]
    times = pa.array([good, value, None], pa.timestamp(unit, zone))
    pq.write_table(arrow(ts=times, user_agent=times), tmp_path / "log.parquet")
    frame, dead = read(tmp_path / "log.parquet")
    assert frame["ts"].to_list() == [datetime.fromtimestamp(SECONDS, UTC)]
    assert [(d.position, d.reason) for d in dead] == [(2, "ts_out_of_range"), (3, "missing_field")]


@pytest.mark.parametrize("zone", ["+05:30", "Asia/Kolkata", "-00:30", "no zone"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_time_with_any_zone_is_that_moment(tmp_path, unit, zone):
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    times = pa.array([SECONDS * per_second] * 3, pa.timestamp(unit, zone))
    pq.write_table(arrow(ts=times), tmp_path / "log.parquet")
    frame, dead = read(tmp_path / "log.parquet")
    assert not dead
    assert frame["ts"].to_list() == [datetime.fromtimestamp(SECONDS, UTC)] * 3


@pytest.mark.parametrize(
    "kind", [pa.duration("us"), pa.time64("us"), pa.date32(), pa.date64(), pa.list_(pa.duration("s"))]
)
def test_a_column_of_times_that_say_no_moment_refuses_each_row(tmp_path, kind):
    most = 2**31 - 1 if kind == pa.date32() else 1 if kind == pa.time64("us") else 2**62
    values = [[most], [1], [1]] if pa.types.is_list(kind) else [most, 1, 1]
    pq.write_table(arrow(ts=pa.array(values, kind)), tmp_path / "log.parquet")
    frame, dead = read(tmp_path / "log.parquet")
    assert frame.is_empty()
    assert [(d.position, d.detail) for d in dead] == [(i, "ts") for i in (1, 2, 3)]
    assert {d.reason for d in dead} <= {"wrong_type", "ts_unreadable"}


def test_what_polars_cannot_take_at_all_is_a_letter_a_row(tmp_path):
    table = arrow(ts=pa.array([TS] * 3))
    pq.write_table(table.append_column("model", pa.array(["m"] * 3)), tmp_path / "twice.parquet")
    frame, dead = read(tmp_path / "twice.parquet")
    assert frame.is_empty()
    assert [(d.position, d.reason) for d in dead] == [(i, "corrupt") for i in (1, 2, 3)]


def test_a_panic_of_polars_is_a_letter_a_row(tmp_path, monkeypatch):
    panics = pl.Series([10**17], dtype=pl.Datetime("ms", "UTC"))
    monkeypatch.setattr(parquet, "_converted", lambda *_: panics.cast(pl.Datetime("us", "UTC")).cast(pl.String))
    frame, dead = read(write(tmp_path / "log.parquet"))
    assert frame.is_empty()
    assert [(d.position, d.reason) for d in dead] == [(i, "corrupt") for i in (1, 2, 3)]


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


def test_one_log_is_the_same_in_both_forms(tmp_path):
    simulate(load_world("tiny"), tmp_path)
    lines, _ = read(tmp_path / "requests.ndjson")
    raw = pl.read_ndjson(tmp_path / "requests.ndjson", infer_schema_length=None)
    raw.write_parquet(tmp_path / "requests.parquet")
    rows, dead = read(tmp_path / "requests.parquet")
    assert lines["n_tool_results"].sum() > 0
    assert rows.equals(lines)
    assert not dead


@pytest.mark.parametrize("given", [3, None])
def test_a_count_that_is_given_stands_before_that_of_the_messages(tmp_path, given):
    messages = [{"role": "user", "content": "p"}, {"role": "tool", "content": "r"}]
    record = {"ts": TS, "request_id": "r", "account_id": "x", "model": "m", "messages": json.dumps(messages)}
    frame = pl.DataFrame([record | {"n_tool_results": given}], schema_overrides={"n_tool_results": pl.Int64})
    frame.write_ndjson(tmp_path / "log.ndjson")
    frame.write_parquet(tmp_path / "log.parquet")
    for name in ("log.ndjson", "log.parquet"):
        assert read(tmp_path / name)[0]["n_tool_results"].to_list() == [given or 1]


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
