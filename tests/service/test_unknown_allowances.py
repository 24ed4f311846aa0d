"""A misspelt allowance covers nothing, and every command that reads the account file says so."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from detector.alerts.allowance import COVERS, Allowance, unknown
from detector.alerts.store import Store
from detector.cli import app
from detector.config import Settings
from detector.scoring.rules import load_rules
from detector.service.http.metrics import Metrics
from detector.service.live import Live
from detector.service.replay import make_engine
from streams.accounts import read_accounts

HOSTILE = "reseler\u2028\x9b2J"
GIVEN = {"a": ["distilation"], "b": ["distilation", "research", "distilation"], "c": [HOSTILE], "d": []}


@pytest.fixture
def accounts(tmp_path):
    path = tmp_path / "accounts.ndjson"
    path.write_text("".join(json.dumps({"account_id": a, "allowances": g}) + "\n" for a, g in GIVEN.items()))
    return path


def test_names_that_nobody_knows_are_counted_by_account():
    given = {account: [Allowance(name) for name in names] for account, names in GIVEN.items()}
    assert unknown(given) == {"distilation": 2, HOSTILE: 1}
    assert not unknown({"a": [Allowance(name) for name in COVERS]})


def test_a_code_that_no_rule_has_is_said(tmp_path):
    given = [{"name": "distillation", "scope": ["SOFT_LABELS", "SOFT_LABLES"]}]
    path = tmp_path / "accounts.ndjson"
    path.write_text(json.dumps({"account_id": "a", "allowances": given}) + "\n")
    (tmp_path / "log.ndjson").write_text("{}\n")
    args = ["replay", str(tmp_path / "log.ndjson"), "--accounts", str(path), "--out", str(tmp_path / "out")]
    said = CliRunner().invoke(app, args, env={"REVENUER_HASH_KEY": "7"}).stderr
    assert said.count("is no reason code and covers nothing") == 1
    assert "'SOFT_LABLES' of 1 accounts" in said


def test_what_is_covered_are_reasons_of_rules():
    codes = {rule.code for rule in load_rules()} | {"*"}
    assert {code for covered in COVERS.values() for code in covered} <= codes


@pytest.mark.parametrize("command", ["replay", "calibrate"])
def test_a_command_says_them_a_line_a_name(command, accounts, tmp_path):
    log = tmp_path / "log.ndjson"
    log.write_text(json.dumps({"ts": 1_780_000_000, "request_id": "r", "account_id": "a", "model": "m"}) + "\n")
    args = [command, str(log), "--accounts", str(accounts), "--out", str(tmp_path / "out")]
    said = CliRunner().invoke(app, args, env={"REVENUER_HASH_KEY": "7"}).stderr
    assert [line.split("'")[1] for line in said.splitlines() if "not known" in line] == [
        "distilation",
        "reseler\\u2028\\x9b2J",
    ]
    assert "of 2 accounts" in said
    assert "known allowances: distillation, " in said


def test_a_command_is_short_about_many_of_them(accounts, tmp_path):
    accounts.write_text("".join(json.dumps({"account_id": f"a{i}", "allowances": [f"n{i}"]}) + "\n" for i in range(14)))
    (tmp_path / "log.ndjson").write_text("{}\n")
    args = ["replay", str(tmp_path / "log.ndjson"), "--accounts", str(accounts), "--out", str(tmp_path / "out")]
    said = CliRunner().invoke(app, args, env={"REVENUER_HASH_KEY": "7"}).stderr.splitlines()
    assert sum("not known" in line for line in said) == 10
    assert "revenuer: and so are 4 further names" in said


def test_the_service_says_each_name_once(accounts, tmp_path, capsys):
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    book = read_accounts(accounts)
    live = Live(make_engine(Settings(hash_key=7), book, None), store, Metrics(), tmp_path)
    said = capsys.readouterr().out
    assert said.count("allowance_unknown") == len(said.splitlines()) == 2
    assert "name=distilation" in said
    live.know(book)
    assert capsys.readouterr().out == ""
    more = pl.DataFrame([{"account_id": "e", "allowances": ["evaluatoin"]}])
    path = tmp_path / "more.ndjson"
    more.write_ndjson(path)
    live.know(pl.concat([book, read_accounts(path)]))
    said = capsys.readouterr().out
    assert "evaluatoin" in said
    assert said.count("allowance_unknown") == 1
    store.close()
