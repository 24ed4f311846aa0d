"""Alerts lead an analyst to the original: a few pointers of the log for each account, and none where it has none."""

import json
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from detector.cli import app
from detector.report.case import read_case
from detector.report.case_card import _members
from detector.service.looks import Taken
from detector.service.references import LONGEST, References
from detector.simulator.generate import write
from detector.simulator.world import load_world


def taken(slots, ts, refs, start=0):
    columns = SimpleNamespace(slot=np.array(slots, np.int32), ts=np.array(ts, np.int64))
    frame = pl.DataFrame(
        {"account_id": [f"a{s}" for s in slots], "log_ref": refs}, schema_overrides={"log_ref": pl.String}
    )
    return Taken(columns, start, len(slots), frame)


def told(kept):
    """What alerts of two accounts say."""
    entry = SimpleNamespace(named={"a2": 1, "a7": 1}, refs={})
    kept.tell([entry])
    return entry.refs


def none(_, rows):
    return np.zeros(rows.size, np.bool_)


def test_the_latest_few_are_kept_from_the_alert_on():
    kept = References()
    kept.watch(np.array([2], np.int32), 10)
    refs = ["early", "a", "b", None, "c", "d", "x" * (LONGEST + 1), "other"]
    kept.note([taken([2, 2, 2, 2, 2, 2, 2, 7], [9, 10, 11, 12, 13, 14, 15, 16], refs)], none)
    assert told(kept) == {"a2": ["d", "c", "b"]}
    kept.note([taken([2], [20], ["later"])], none)
    assert told(kept) == {"a2": ["later", "d", "c"]}


def test_those_that_carry_the_text_come_before_the_latest():
    kept = References()
    kept.watch(np.array([2], np.int32), 1)
    kept.note([taken([2, 2, 2, 2], [1, 2, 3, 4], list("abcd"))], lambda _, rows: rows == 1)
    assert told(kept) == {"a2": ["b"]}


def test_what_is_forgotten_is_gone_and_a_log_without_pointers_gives_none():
    kept = References()
    kept.watch(np.array([2], np.int32), 1)
    kept.note([taken([2], [1], ["a"])], none)
    kept.forget(2, "a2")
    kept.note([taken([2], [2], ["b"])], none)
    kept.watch(np.array([3], np.int32), 1)
    kept.note([taken([3], [2], [None])], none)
    assert (told(kept), kept.refs) == ({}, {})


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    write(load_world("tiny"), folder)
    return folder


@pytest.mark.parametrize("given", [True, False])
def test_alerts_have_them_where_the_log_does(tiny, tmp_path, given):
    lines = [json.loads(line) for line in (tiny / "requests.ndjson").read_text().splitlines()]
    for line in lines:
        line["log_ref"] = f"s3://log/{line['request_id']}" if given else None
    (tmp_path / "log.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    args = ["replay", str(tmp_path / "log.ndjson"), "--accounts", str(tiny / "accounts.ndjson"), "--out", str(tmp_path)]
    assert CliRunner().invoke(app, args, env={"REVENUER_HASH_KEY": "12345"}).exit_code == 0
    alerts = [json.loads(line) for line in (tmp_path / "alerts.ndjson").read_text().splitlines()]
    of = {line["log_ref"]: line["account_id"] for line in lines}
    found = [a["evidence"]["log_refs"] for a in alerts if "log_refs" in a["evidence"]]
    assert bool(found) is given
    for alert in alerts:
        for account, refs in alert["evidence"].get("log_refs", {}).items():
            assert account in alert["accounts"]
            assert 1 <= len(refs) <= 3
            assert {of[ref] for ref in refs} == {account}


def test_the_report_shows_them_as_text():
    alert = {"id": "a", "accounts": ["x"], "evidence": {"log_refs": {"x": ["<a href='javascript:1'>"]}}}
    shown = str(_members(read_case(alert).members))
    assert "&lt;a href=" in shown
    assert "<a " not in shown
    assert "In the log" not in str(_members(read_case(alert | {"evidence": {}}).members))
