"""Files of all kinds: over-long lines, broken ends, Parquet, account and event files."""

import gzip
import json

import polars as pl
import pytest

from streams.accounts import read_accounts, read_events
from streams.decode import MAX_LINE, Origin, decode_lines
from streams.sources import SourceError
from streams.sources.files import FileSource
from streams.sources.found import NoLogs
from streams.sources.memory import MemorySource
from streams.sources.prefetch import prefetch

GOOD = {"ts": 1780000000.0, "request_id": "r1", "account_id": "a1", "model": "m"}


def line(**changes):
    return json.dumps({**GOOD, **changes}).encode()


def read(*paths):
    batches = list(FileSource(paths).batches())
    dead = sorted((d for b in batches for d in b.dead), key=lambda d: (d.source, d.position))
    frame = pl.concat([b.frame for b in batches if b.frame.height] or [pl.DataFrame()])
    assert sum(b.read for b in batches) == frame.height + len(dead)
    return frame, dead


@pytest.mark.parametrize("size", [MAX_LINE + 1, 17 << 20, 40 << 20])
def test_an_over_long_line_is_a_dead_letter_wherever_it_ends(tmp_path, size):
    path = tmp_path / "log.ndjson"
    long = line(prompt="x" * size)
    path.write_bytes(
        b"\n".join([line(request_id="r0"), long, line(request_id="r2"), b"no json", line(request_id="r4")])
    )
    frame, dead = read(path)
    assert frame["request_id"].to_list() == ["r0", "r2", "r4"]
    assert [(d.position, d.reason, d.length) for d in dead] == [(2, "too_long", len(long)), (4, "not_json", 7)]
    assert all(len(d.digest) == 32 for d in dead)


def test_the_longest_line_that_may_be_is_read(tmp_path):
    path = tmp_path / "log.ndjson"
    path.write_bytes(line(prompt="x" * (MAX_LINE - 200)) + b"\n")
    assert read(path)[0].height == 1


def test_a_broken_end_is_told_with_its_line(tmp_path):
    lines = [line(request_id=f"r{i}", prompt=f"{i * 7919}") for i in range(4000)]
    path = tmp_path / "cut.ndjson.gz"
    path.write_bytes(gzip.compress(b"\n".join(lines))[:-2000])
    frame, (letter,) = read(path)
    assert letter.reason == "truncated"
    assert letter.position == frame.height + 1
    assert 0 <= letter.length < len(lines[0]) + 8


def test_parquet_rows_that_lose_something_are_dead_letters(tmp_path):
    rows = pl.DataFrame(
        {
            "ts": [1780000000.0] * 5,
            "request_id": list("abcde"),
            "account_id": ["x"] * 5,
            "model": ["m"] * 5,
            "input_tokens": [3.0, 2.5, float("nan"), None, 4.0],
            "top_p": [0.5, 0.5, 0.5, 0.5, float("nan")],
        }
    )
    rows.write_parquet(tmp_path / "log.parquet")
    frame, dead = read(tmp_path / "log.parquet")
    assert frame["request_id"].to_list() == ["a", "d"]
    assert frame["input_tokens"].to_list() == [3, None]
    assert [(d.position, d.reason) for d in dead] == [(2, "wrong_type"), (3, "wrong_type"), (5, "wrong_type")]


@pytest.mark.parametrize("nested", [True, False])
def test_parquet_messages_give_the_prompt(tmp_path, nested):
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello there"}]
    value = messages if nested else json.dumps(messages)
    pl.DataFrame([{**GOOD, "messages": value}]).write_parquet(tmp_path / "log.parquet")
    frame, dead = read(tmp_path / "log.parquet")
    assert not dead
    assert frame.select("prompt", "system_prompt").row(0) == ("hello there", "be brief")


def test_a_garbage_parquet_file_does_not_stop_the_run(tmp_path):
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 this is none")
    (tmp_path / "good.ndjson").write_bytes(line() + b"\n")
    frame, (letter,) = read(tmp_path)
    assert frame.height == 1
    assert (letter.reason, letter.length) == ("corrupt", 17)


def test_a_record_is_judged_by_itself():
    twice = b'{"ts":1780000000,"request_id":"r","account_id":"a","model":"one","model":"two"}'
    millis = line(ts=1780000000000)
    for others in ([], [b"no json"], [line(ts="2026-06-01T00:00:00Z", request_id="x")]):
        batch = decode_lines(b"\n".join([twice, millis, *others]), Origin("f", 1, b"k"))
        assert batch.frame["model"][0] == decode_lines(twice, Origin("f", 1, b"k")).frame["model"][0]
        assert (2, "ts_out_of_range") in [(d.position, d.reason) for d in batch.dead]


def test_memory_is_as_strict_as_a_file_and_in_time_order():
    records = [{**GOOD, "ts": 1780000000.0 - i, "request_id": f"r{i}"} for i in range(5)]
    batches = list(MemorySource([*records, {**GOOD, "top_p": float("nan")}], batch_records=2).batches())
    times = [t for b in batches for t in b.frame["ts"].to_list()]
    assert times == sorted(times)
    assert [d.reason for b in batches for d in b.dead] == ["not_json"]
    assert sum(b.read for b in batches) == 6


def test_a_consumer_that_stops_early_closes_what_was_read_ahead():
    closed = []

    def items():
        try:
            yield from range(100)
        finally:
            closed.append(True)

    ahead = prefetch(items())
    assert next(ahead) == 0
    ahead.close()
    assert closed == [True]


def test_the_next_file_may_begin_late(tmp_path):
    first = [line(ts=1780000000 + 60 * i, request_id=f"a{i}") for i in range(200)]
    second = [line(ts=1780000000 + 60 * (100 + i), request_id=f"b{i}") for i in (4, 0, *range(5, 100))]
    (tmp_path / "1.ndjson").write_bytes(b"\n".join(first) + b"\n")
    (tmp_path / "2.ndjson").write_bytes(b"\n".join(second) + b"\n")
    times = [t for b in FileSource([tmp_path], batch_bytes=2000).batches() for t in b.frame["ts"].to_list()]
    assert times == sorted(times)
    assert len(times) == 297


def test_bad_lines_of_account_and_event_files_are_told_and_passed_over(tmp_path):
    path = tmp_path / "accounts.ndjson"
    path.write_text('{"account_id":"a"}\nnot json\n[1]\n{"tier":"free"}\n{"account_id":"c"}\n')
    dead = []
    frame = read_accounts(path, dead)
    assert frame["account_id"].to_list() == ["a", "c"]
    assert [(d.position, d.reason, d.detail) for d in dead] == [
        (2, "not_json", ""),
        (3, "not_object", ""),
        (4, "missing_field", "account_id"),
    ]
    with pytest.raises(SourceError, match=r"accounts\.ndjson:2"):
        read_accounts(path)
    events = tmp_path / "events.ndjson"
    events.write_text('{"ts":1780000000,"kind":"ban"}\n{"ts":"never","kind":"ban"}\n')
    dead = []
    assert read_events(events, dead).height == 1
    assert [(d.position, d.reason) for d in dead] == [(2, "ts_unreadable")]


def test_a_stray_parquet_file_is_one_dead_letter_and_one_that_is_named_an_error(tmp_path):
    (tmp_path / "log.ndjson").write_bytes(line())
    stray = tmp_path / "other.parquet"
    pl.DataFrame({"ts": [1.0], "account_id": ["a"]}).write_parquet(stray)
    for given in (tmp_path, tmp_path / "*"):
        frame, (letter,) = read(given)
        assert frame.height == 1
        assert (letter.source, letter.reason, letter.detail) == (str(stray), "missing_field", "request_id, model")
    for given in ([stray], [tmp_path, stray]):
        with pytest.raises(SourceError, match="required column request_id is missing"):
            read(*given)


@pytest.mark.parametrize("out", ["out", "."])
@pytest.mark.parametrize("given", [".", "**/*"])
def test_what_is_known_to_be_no_log_is_passed_over_unless_it_is_named(tmp_path, given, out):
    names = {"log.ndjson", "accounts.ndjson", "truth.json", f"{out}/alerts.ndjson", f"{out}/accounts.parquet"}
    (tmp_path / "out").mkdir()
    for name in names:
        (tmp_path / name).write_bytes(b"")
    no_logs = NoLogs(tmp_path / out, [tmp_path / "accounts.ndjson"])
    source = FileSource([tmp_path / given], no_logs=no_logs)
    assert source.files == [tmp_path / "log.ndjson"]
    assert set(source.passed) == {tmp_path / name for name in names - {"log.ndjson"}}
    assert FileSource([tmp_path / "truth.json"], no_logs=no_logs).files == [tmp_path / "truth.json"]
