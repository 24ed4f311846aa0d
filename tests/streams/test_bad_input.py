"""Bad input is counted and dead-lettered with file, line and reason, and never stops a run."""

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import decode
from streams.decode import Origin, decode_lines
from streams.dedupe import Deduplicator
from streams.sources import SourceError
from streams.sources.files import FileSource
from streams.sources.memory import MemorySource

GOOD = {"ts": 1780000000, "request_id": "r1", "account_id": "a1", "model": "m"}


def line(**changes):
    return json.dumps({**GOOD, **changes}).encode()


BAD = {
    "not_json": b"not json",
    "not_object": b"[1, 2]",
    "wrong_type": line(n="two"),
    "missing_field": json.dumps({"ts": 1780000000, "account_id": "a", "model": "m"}).encode(),
    "ts_out_of_range": line(ts=0),
    "ts_unreadable": line(ts="yesterday"),
    "bad_id": line(request_id="a\u0000b"),
    "too_deep": b'{"a":' * 3000 + b"1" + b"}" * 3000,
    "invalid_utf8": b'{"account_id": "\xff"}',
}


@pytest.mark.parametrize("reason", BAD)
def test_each_kind_of_bad_line_is_named(reason):
    data = b"\n".join([line(request_id="r0"), BAD[reason], line(request_id="r2")])
    batch = decode_lines(data, Origin("f", 1, b"k"))
    assert batch.frame["request_id"].to_list() == ["r0", "r2"]
    assert [(d.position, d.reason) for d in batch.dead] == [(2, reason)]
    assert batch.read == 3


@pytest.mark.parametrize("others", [[], [b"not json"], [line(ts="2026-06-01T00:00:00Z", n=2.5)]])
@pytest.mark.parametrize("value", [{"SECRETTEXT": "zz"}, {}, [], ["x"], True, False])
@pytest.mark.parametrize("name", ["request_id", "account_id", "model", "org_id", "api_key_id", "end_user_id"])
def test_an_identifier_is_no_json(name, value, others):
    # Lines between and beside, so that numbers of lines and of rows differ.
    data = b"\n".join([line(request_id="r0"), b"", line(**{name: value}), line(request_id="r2"), *others])
    batch = decode_lines(data, Origin("f", 1, b"k"))
    assert batch.frame["request_id"].to_list() == ["r0", "r2"]
    assert (3, "wrong_type", name) in [(d.position, d.reason, d.detail) for d in batch.dead]
    assert batch.read == 3 + len(others)


@pytest.mark.parametrize("text", ['{"a": 1}', "{", "[]", "[team] one", "true", "false", "True", "1.5"])
def test_an_identifier_may_be_a_text_that_looks_like_json(text):
    batch = decode_lines(b"\n".join([line(account_id=text), line(account_id=[text])]), Origin("f", 1, b"k"))
    assert batch.frame["account_id"].to_list() == [text]
    assert [(d.position, d.reason) for d in batch.dead] == [(2, "wrong_type")]


def test_an_identifier_may_be_a_number():
    batch = decode_lines(line(account_id=17, request_id=2.5), Origin("f", 1, b"k"))
    assert batch.frame.select("account_id", "request_id").rows() == [("17", "2.5")]


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"1e999"])
def test_numbers_that_are_none(value):
    batch = decode_lines(
        b'{"ts":1780000000,"request_id":"r","account_id":"a","model":"m","top_p":' + value + b"}", Origin("f", 1, b"k")
    )
    assert [d.reason for d in batch.dead] == ["not_json"]


def test_the_year_2100_is_refused():
    batch = decode_lines(line(ts="2100-01-01T00:00:00Z"), Origin("f", 1, b"k"))
    assert [d.reason for d in batch.dead] == ["ts_out_of_range"]


@pytest.mark.parametrize("others", [[], [b"not json"]])
def test_a_line_that_is_over_long_leaves_the_others_their_places(monkeypatch, others):
    monkeypatch.setattr(decode, "MAX_LINE", 120)
    long = line(prompt="x" * 120)
    data = b"\n".join([long, line(request_id="r1"), b"", long, line(n="two"), *others, long])
    batch = decode_lines(data, Origin("f", 1, b"k"))
    assert batch.frame["request_id"].to_list() == ["r1"]
    told = [(1, "too_long"), (4, "too_long"), (5, "wrong_type"), *[(6, "not_json")] * len(others)]
    assert [(d.position, d.reason) for d in batch.dead] == [*told, (6 + len(others), "too_long")]
    assert {d.length for d in batch.dead if d.reason == "too_long"} == {len(long)}
    assert batch.read == 5 + len(others)


def test_an_endless_line_is_passed_over(tmp_path):
    path = tmp_path / "long.ndjson"
    path.write_bytes(line() + b"\n" + line(prompt="x" * (20 << 20)) + b"\n" + line(request_id="r3") + b"\n")
    batches = list(FileSource([path]).batches())
    dead = [d for b in batches for d in b.dead]
    assert [(d.reason, d.position) for d in dead] == [("too_long", 2)]
    assert sum(b.frame.height for b in batches) == 2


def test_a_truncated_gzip_gives_what_it_holds(tmp_path):
    lines = b"\n".join(line(request_id=f"r{i}", prompt=f"{i * 7919}") for i in range(4000))
    path = tmp_path / "cut.ndjson.gz"
    path.write_bytes(gzip.compress(lines)[:-2000])
    batches = list(FileSource([path]).batches())
    assert [d.reason for b in batches for d in b.dead] == ["truncated"]
    assert sum(b.frame.height for b in batches) > 0


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        FileSource([tmp_path / "nothing.ndjson"])


def test_files_come_in_time_order(tmp_path):
    for k in range(3):
        rows = [line(ts=1780000000 + 3600 * (2 - k) + i, request_id=f"{k}-{i}") for i in range(50)]
        (tmp_path / f"{k}.ndjson").write_bytes(b"\n".join(rows) + b"\n")
    times = [t for b in FileSource([tmp_path]).batches() for t in b.frame["ts"].to_list()]
    assert len(times) == 150
    assert times == sorted(times)


def test_duplicates_within_a_day_are_dropped():
    records = [GOOD, GOOD, {**GOOD, "ts": 1780000000 + 3600}, {**GOOD, "ts": 1780000000 + 90_000}]
    (batch,) = MemorySource(records).batches()
    assert Deduplicator().fresh(batch.frame).tolist() == [True, False, False, True]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.one_of(st.binary(max_size=60), st.just(line())), max_size=20))
def test_no_bytes_stop_the_decoder(parts):
    lines = [p.replace(b"\n", b"") for p in parts]
    data = b"\n".join(lines)
    batch = decode_lines(data, Origin("f", 1, b"k"))
    assert batch.read == batch.frame.height + len(batch.dead) == sum(bool(p.strip()) for p in lines)
    assert not any(set(d.__dict__) - {"source", "position", "reason", "length", "digest", "detail"} for d in batch.dead)
