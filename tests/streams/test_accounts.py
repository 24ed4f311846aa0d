"""Account and event files: every bad row is told with its line and reason, and the others are read."""

import gzip
import json
from datetime import UTC, datetime

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.account import ACCOUNT_SCHEMA
from streams.accounts import read_accounts, read_events
from streams.event import EVENT_SCHEMA
from streams.sources import SourceError

TS = 1780000000


def accounts(path, lines):
    path.write_bytes(b"\n".join(x if isinstance(x, bytes) else json.dumps(x).encode() for x in lines) + b"\n")
    return path


BAD = {
    "not_json": (b"no json", ""),
    "not_object": (b"[1]", ""),
    "invalid_utf8": (b'{"account_id":"\xff"}', ""),
    "wrong_type": ({"account_id": "b", "allowances": "reseller"}, "allowances"),
    "missing_field": ({"tier": "free"}, "account_id"),
    "ts_unreadable": ({"account_id": "b", "created_at": "yesterday"}, "created_at"),
    "ts_out_of_range": ({"account_id": "b", "updated_at": TS * 1000}, "updated_at"),
}


@pytest.mark.parametrize("others", [[], [b"worse"]])
@pytest.mark.parametrize("reason", BAD)
def test_a_bad_account_is_told_with_its_line_in_the_file(tmp_path, reason, others):
    bad, field = BAD[reason]
    path = accounts(tmp_path / "accounts.ndjson", [{"account_id": "a"}, b"", b"  ", bad, {"account_id": "c"}, *others])
    dead = []
    frame = read_accounts(path, dead)
    assert frame["account_id"].to_list() == ["a", "c"]
    assert frame.schema == ACCOUNT_SCHEMA
    raw = bad if isinstance(bad, bytes) else json.dumps(bad).encode()
    assert (dead[0].source, dead[0].position, dead[0].reason, dead[0].detail) == (str(path), 4, reason, field)
    assert dead[0].length == len(raw)
    assert len(dead) == 1 + len(others)
    with pytest.raises(SourceError, match=rf"accounts\.ndjson:4: {reason}"):
        read_accounts(path)


@pytest.mark.parametrize(
    ("allowances", "reason"),
    [
        ([{"name": "reseller", "expires_at": "never"}], "ts_unreadable"),
        ([{"name": "reseller"}, {"name": "x", "expires_at": TS * 1000}], "ts_unreadable"),
        ([{"owner": "no name"}], "wrong_type"),
        ({"name": "reseller"}, "wrong_type"),
        ([3], "wrong_type"),
        ([{"name": "x", "scope": 5}], "wrong_type"),
        ([{"name": "x", "scope": [5]}], "wrong_type"),
    ],
)
def test_an_allowance_that_cannot_be_read_does_not_hold_for_ever(tmp_path, allowances, reason):
    dead = []
    path = accounts(tmp_path / "accounts.ndjson", [{"account_id": "a", "allowances": allowances}])
    assert read_accounts(path, dead).is_empty()
    assert [(d.position, d.reason, d.detail) for d in dead] == [(1, reason, "allowances")]


@pytest.mark.parametrize(
    ("scope", "codes"),
    [
        (None, None),
        ("SOFT_LABELS", ["SOFT_LABELS"]),
        ("SOFT_LABELS, FIXED_PACE", ["SOFT_LABELS", "FIXED_PACE"]),
        (["SOFT_LABELS", "SOFT_LABELS"], ["SOFT_LABELS"]),
        ([], []),
    ],
)
def test_a_scope_is_a_list_of_codes_however_it_is_written(tmp_path, scope, codes):
    given = [{"account_id": "a", "allowances": [{"name": "distillation", "scope": scope}]}]
    frame = read_accounts(accounts(tmp_path / "accounts.ndjson", given))
    assert frame["allowances"].to_list()[0][0]["scope"] == codes
    frame.write_parquet(tmp_path / "accounts.parquet")
    assert read_accounts(tmp_path / "accounts.parquet").equals(frame)


def test_allowances_are_the_same_from_lines_and_from_parquet(tmp_path):
    given = [{"name": "reseller", "owner": None, "expires_at": "2026-06-01T00:00:00+00:00", "scope": None}]
    rows = [{"account_id": "a", "allowances": given}, {"account_id": "b", "allowances": []}]
    pl.DataFrame(rows).write_parquet(tmp_path / "accounts.parquet")
    lines = read_accounts(accounts(tmp_path / "accounts.ndjson", rows))
    assert lines.equals(read_accounts(tmp_path / "accounts.parquet"))
    assert lines["allowances"][0][0]["expires_at"] == datetime(2026, 6, 1, tzinfo=UTC)
    short = read_accounts(
        accounts(tmp_path / "short.ndjson", [{"account_id": "a", "allowances": ["x"]}, {"account_id": "b"}])
    )
    assert [[a["name"] for a in row] for row in short["allowances"]] == [["x"], []]


def test_events_need_a_time_and_a_kind(tmp_path):
    lines = [
        {"ts": TS + 1, "kind": "ban", "account_id": "a"},
        {"ts": TS, "kind": "outage"},
        {"ts": TS},
        {"kind": "ban"},
        {"ts": "never", "kind": "ban"},
        {"ts": 5, "kind": "ban"},
        {"ts": TS, "kind": "party"},
        {"ts": TS, "kind": "BAN", "account_id": "a"},
        {"ts": TS, "kind": ["ban"]},
    ]
    dead = []
    frame = read_events(accounts(tmp_path / "events.ndjson", lines), dead)
    assert frame.schema == EVENT_SCHEMA
    assert frame["kind"].to_list() == ["outage", "ban"]
    assert [(d.position, d.reason, d.detail) for d in dead] == [
        (3, "missing_field", "kind"),
        (4, "missing_field", "ts"),
        (5, "ts_unreadable", "ts"),
        (6, "ts_out_of_range", "ts"),
        *((line, "unknown_kind", "kind") for line in (7, 8, 9)),
    ]


def test_a_parquet_file_of_accounts_tells_rows(tmp_path):
    frame = pl.DataFrame(
        {"account_id": ["a", None, "c"], "created_at": [f"{TS}", f"{TS}", "never"], "tier": [1.5, 1.0, 2.0]}
    )
    frame.write_parquet(tmp_path / "accounts.parquet")
    dead = []
    assert read_accounts(tmp_path / "accounts.parquet", dead)["account_id"].to_list() == ["a"]
    assert [(d.position, d.reason, d.detail) for d in dead] == [
        (2, "missing_field", "account_id"),
        (3, "ts_unreadable", "created_at"),
    ]


@pytest.mark.parametrize("field", ["account_id", "org_id", "payment_fingerprint"])
@pytest.mark.parametrize("value", [{}, [], {"a": 1}, True])
def test_an_identifier_of_an_account_is_no_json(tmp_path, field, value):
    dead = []
    path = accounts(tmp_path / "accounts.ndjson", [{"account_id": "a"}, {"account_id": "b", field: value}])
    assert read_accounts(path, dead)["account_id"].to_list() == ["a"]
    assert [(d.position, d.reason, d.detail) for d in dead] == [(2, "wrong_type", field)]


@pytest.mark.parametrize(("unit", "value"), [("ms", TS * 10**9), ("s", TS * 10**6), ("us", 2**62), ("us", -(2**63))])
def test_a_time_in_parquet_that_overflows_refuses_its_account_only(tmp_path, unit, value):
    times = pa.array([0, value, None], pa.timestamp(unit))
    pq.write_table(pa.table({"account_id": ["a", "b", "c"], "created_at": times}), tmp_path / "accounts.parquet")
    dead = []
    assert read_accounts(tmp_path / "accounts.parquet", dead)["account_id"].to_list() == ["a", "c"]
    assert [(d.position, d.reason, d.detail) for d in dead] == [(2, "ts_out_of_range", "created_at")]


@pytest.mark.parametrize("when", ["+148108-07-06T14:00:27Z", "-0500-01-01T00:00:00Z"])
def test_a_year_that_python_has_not_is_out_of_range(tmp_path, when):
    dead = []
    path = accounts(tmp_path / "accounts.ndjson", [{"account_id": "a", "created_at": when}, {"account_id": "b"}])
    assert read_accounts(path, dead)["account_id"].to_list() == ["b"]
    assert [(d.reason, d.detail) for d in dead] == [("ts_out_of_range", "created_at")]


@pytest.mark.parametrize("zone", [None, "UTC", "+05:30"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_nested_time_in_parquet_is_in_utc_unless_it_says_otherwise(tmp_path, unit, zone):
    of = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    kind = pa.list_(pa.struct([("name", pa.string()), ("expires_at", pa.timestamp(unit, zone))]))
    given = [[{"name": "x", "expires_at": TS * of}, {"name": "y", "expires_at": None}], None, []]
    table = pa.table({"account_id": ["a", "b", "c"], "allowances": pa.array(given, kind)})
    pq.write_table(table, tmp_path / "accounts.parquet")
    frame = read_accounts(tmp_path / "accounts.parquet")
    expires = [[a["expires_at"] for a in row] for row in frame["allowances"].to_list()]
    assert expires == [[datetime.fromtimestamp(TS, UTC), None], [], []]


def test_a_nested_time_in_parquet_that_overflows_does_not_hold_for_ever(tmp_path):
    kind = pa.list_(pa.struct([("name", pa.string()), ("expires_at", pa.timestamp("ms"))]))
    given = [[{"name": "x", "expires_at": value}] for value in (TS * 1000, TS * 10**9, 2**62)]
    table = pa.table({"account_id": ["a", "b", "c"], "allowances": pa.array(given, kind)})
    pq.write_table(table, tmp_path / "accounts.parquet")
    dead = []
    assert read_accounts(tmp_path / "accounts.parquet", dead)["account_id"].to_list() == ["a"]
    assert [(d.position, d.reason, d.detail) for d in dead] == [(i, "ts_unreadable", "allowances") for i in (2, 3)]


@pytest.mark.parametrize("name", ["accounts.parquet", "accounts.ndjson.gz", "accounts.ndjson.zst"])
def test_a_garbage_file_is_a_dead_letter(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"this is no archive")
    dead = []
    assert read_accounts(path, dead).is_empty()
    assert [(d.position, d.reason) for d in dead] == [(1, "corrupt")]
    with pytest.raises(SourceError, match=f"{name}:1: corrupt"):
        read_accounts(path)


def test_a_cut_archive_gives_what_it_holds(tmp_path):
    path = tmp_path / "accounts.ndjson.gz"
    path.write_bytes(gzip.compress(b"".join(b'{"account_id":"%d"}\n' % (i * 7919) for i in range(9000)))[:-3000])
    dead = []
    frame = read_accounts(path, dead)
    assert frame.height > 0
    assert [(d.position, d.reason) for d in dead] == [(frame.height + 1, "truncated")]


def test_a_file_that_is_not_there_is_an_error_in_any_case(tmp_path):
    for name in ("none.ndjson", "none.parquet"):
        with pytest.raises(SourceError, match=name):
            read_accounts(tmp_path / name, [])
