"""`revenuer render`: the recommendations of a replay for a gateway, as the renderers write them."""

import json

import msgspec
import pytest
import yaml
from typer.testing import CliRunner

from detector.alerts.model import Advice, BlastRadius, Limit, Recommendation, Subject
from detector.alerts.render import FORMATS, render
from detector.cli import app
from detector.service.cli import Gateway


def made(name, alert, accounts, *, action="suspend", dry_run=True):
    return Recommendation(
        name,
        Subject("cluster", alert, tuple(accounts)),
        action,
        (Limit("requests", 600, 3600),),
        (),
        ("ONE_OPERATOR",),
        alert,
        "2026-03-02T20:30:00.000Z",
        "2026-03-09T20:30:00.000Z",
        dry_run,
        BlastRadius(len(accounts), 10.0, {"free": len(accounts)}),
    )


THROTTLED = made("rec_1", "alr_1", ["a"], action="throttle")
YOUNG, GROWN, SINGLE = made("rec_2", "alr_1", ["a"]), made("rec_2", "alr_1", ["a", "b"]), made("rec_3", "alr_3", ["c"])


@pytest.fixture
def log(tmp_path):
    """What was told of three alerts, the second of which was merged into the first."""
    told = [
        Advice("high", (), THROTTLED),
        Advice("high", (), made("rec_9", "alr_2", ["b"])),
        Advice("critical", (), YOUNG),
        Advice("critical", (), SINGLE),
        Advice("critical", ("alr_2",), GROWN),
    ]
    path = tmp_path / "recommendations.ndjson"
    path.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in told))
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["render", *map(str, arguments)])


def printed(*arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("fmt", FORMATS)
def test_what_stands_at_the_end_is_rendered(log, fmt):
    assert printed(log, "--format", fmt) == [render(GROWN, fmt), render(SINGLE, fmt)]


def test_every_format_can_be_asked_for():
    assert {one.value for one in Gateway} == set(FORMATS)


def test_one_is_asked_for_by_its_id(log):
    assert printed(log, "--format", "kong", "--id", "rec_1") == [render(THROTTLED, "kong")]
    assert printed(log, "--format", "kong", "--id", "rec_2") == [render(GROWN, "kong")]


def test_without_json_it_is_yaml_and_a_dry_run_a_comment(log, tmp_path):
    said = run(log, "--format", "litellm").stdout
    whole = [
        {key: value for key, value in render(each, "litellm").items() if key != "preview"} for each in (GROWN, SINGLE)
    ]
    assert list(yaml.safe_load_all(said)) == whole
    assert render(GROWN, "litellm")["preview"] in said
    real = made("rec_4", "alr_4", ["a"], dry_run=False)
    (tmp_path / "real.ndjson").write_bytes(msgspec.json.encode(Advice("critical", (), real)))
    assert yaml.safe_load(run(tmp_path / "real.ndjson", "--format", "litellm").stdout)["config"]["calls"]


def test_misuse_is_one_line_with_file_and_line(log, tmp_path):
    with log.open("ab") as file:
        file.write(b'\n{"severity": "high"}\n')
    wrong = [
        (run(log, "--format", "kong"), f"{log}:7: no recommendation of a replay: "),
        (run(tmp_path / "nofile", "--format", "kong"), f"{tmp_path / 'nofile'}: No such file"),
        (run(tmp_path, "--format", "kong"), f"{tmp_path}: Is a directory"),
    ]
    log.write_bytes(b"")
    wrong.append((run(log, "--format", "kong", "--id", "rec_0"), f"{log}: there is no recommendation rec_0"))
    for done, line in wrong:
        assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith(f"revenuer render: {line}")
    assert run(log, "--format", "nginx").exit_code == 2


def test_no_recommendation_is_no_failure(log):
    log.write_bytes(b"")
    done = run(log, "--format", "kong")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "there is no recommendation in it" in done.stderr


def test_what_an_account_is_at_litellm_is_a_setting(log, monkeypatch):
    kinds = {}
    for kind in ("user", "key"):
        monkeypatch.setenv("REVENUER_LITELLM_ACCOUNT", kind)
        kinds[kind] = CliRunner().invoke(app, ["render", str(log), "--format", "litellm"]).output
    assert "path: /key/" in kinds["key"]
    assert "path: /key/" not in kinds["user"]
