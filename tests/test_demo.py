"""`revenuer demo --json`: one object, and no service."""

import json

import pytest
from typer.testing import CliRunner

from detector.cli import app
from detector.simulator import world

pytestmark = pytest.mark.slow


def test_json_is_one_object_of_run_alerts_and_evaluation(tmp_path, monkeypatch):
    tiny = world.load_world("tiny")
    monkeypatch.setattr(world, "load_world", lambda _: tiny)
    monkeypatch.setenv("DEMO_SERVE", "1")
    monkeypatch.setenv("REVENUER_HASH_KEY", "12345")
    done = CliRunner().invoke(app, ["demo", "--out", str(tmp_path), "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert said["out"] == str(tmp_path)
    assert said["run"] == json.loads((tmp_path / "found" / "run.json").read_text())
    written = [json.loads(line) for line in (tmp_path / "found" / "alerts.ndjson").read_text().splitlines()]
    assert {(a["id"], a["severity"], a["accounts"]) for a in said["alerts"]} == {
        (a["id"], a["severity"], len(a["accounts"])) for a in written
    }
    arguments = [str(tmp_path / "found" / "alerts.ndjson"), str(tmp_path / "truth.json"), "--json"]
    assert said["evaluation"] == json.loads(CliRunner().invoke(app, ["evaluate", *arguments]).stdout)
