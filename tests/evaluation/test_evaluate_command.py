"""`revenuer evaluate` as typed: what it prints, and what it says of broken files."""

import json

import msgspec
import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from detector.evaluation.cli import evaluate

ALERT = {
    "id": "al-1",
    "kind": "cluster",
    "severity": "high",
    "accounts": ["a1", "a2"],
    "account_detected_at": {"a1": "2026-06-01T00:00:10Z", "a2": 1_780_272_020.0},
    "detected_at": "2026-06-01T00:00:10Z",
}
TRUTH = {
    "campaigns": {"pool": ["a1", "a2"], "other": ["b1"]},
    "archetype": {"a1": "attack", "a2": "attack", "b1": "attack", "h1": "human", "h2": "human"},
    "attack_times": {"a1": [1_780_272_000.0], "a2": [1_780_272_030.0], "b1": [1_780_272_000.0]},
    "hard_negatives": {},
}


@pytest.fixture
def files(tmp_path):
    alerts, truth = tmp_path / "alerts.ndjson", tmp_path / "truth.json"
    alerts.write_bytes(msgspec.json.encode(ALERT) + b"\n\n")
    truth.write_bytes(msgspec.json.encode(TRUTH))
    return alerts, truth


def run(*args):
    app = typer.Typer()
    app.command()(evaluate)
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_json_is_one_object(files):
    done = run(*files, "--json")
    assert done.exit_code == 0
    result = json.loads(done.stdout)
    assert result["account_recall"] == pytest.approx(2 / 3)
    assert result["leak"] == pytest.approx(2 / 3)
    assert "baselines" not in result


def test_the_table_shows_figures_intervals_and_names(files):
    done = run(*files)
    assert done.exit_code == 0
    for text in ("account precision", "66.7 %", "95 % interval", "pool", "human", "Activity: unknown"):
        assert text in done.stdout


def test_the_accounts_beside_the_alerts_say_who_was_active(files):
    frame = pl.DataFrame({"account_id": ["a1", "a2", "b1", "h1", "h2"], "requests": [3, 3, 1, 4, 0]})
    frame.write_parquet(files[0].parent / "accounts.parquet")
    span = {"event_time": {"first": "2026-06-01T00:00:00Z", "last": "2026-06-03T00:00:00Z"}}
    (files[0].parent / "run.json").write_bytes(msgspec.json.encode(span))
    result = json.loads(run(*files, "--json").stdout)
    assert result["per_innocent"]["human"]["accounts"] == 1
    assert result["activity"] == "from accounts.parquet"
    assert result["days"] == 2.0


def test_baselines_stand_beside_the_result(files):
    log, accounts = files[0].parent / "requests.ndjson", files[0].parent / "accounts.ndjson"
    records = [
        {"ts": 1_780_272_000 + number, "account_id": f"{name}{number % 2 + 1}", "ip": "192.0.2.1"}
        for number in range(20)
        for name in "ah"
    ] + [{"ts": 1_780_272_000, "account_id": "b1", "ip": "198.51.100.1"}]
    log.write_bytes(b"\n".join(map(msgspec.json.encode, records)))
    accounts.write_bytes(msgspec.json.encode({"account_id": "a1", "payment_fingerprint": "pm-1"}))
    options = ("--baselines", "--requests", log, "--accounts", accounts)
    result = json.loads(run(*files, *options, "--json").stdout)
    assert result["baselines"]["shared network /24"]["benign_flagged_share"] == 1.0
    assert result["activity"] == "from requests.ndjson"
    table = run(*files, *options).stdout
    assert "Beside crude methods" in table
    assert "shared payment" in table


def test_lines_that_cannot_be_read_are_left_out_aloud(files):
    log = files[0].parent / "requests.ndjson"
    log.write_text('{"account_id": "a1", "ts": 1}\nbroken\n')
    done = run(*files, "--requests", log, "--json")
    assert "1 lines cannot be read" in done.stderr
    assert json.loads(done.stdout)["campaigns"] == 2


@pytest.mark.parametrize(
    "line",
    [
        '{"account_id": "h1", "ts": 1, "tools": ' + "[" * 3000 + "]" * 3000 + "}",
        '{"account_id": "h1", "ts": 1, "n": ' + "9" * 400 + "}",
        '{"account_id": "h1", "ts": 1, "unknown": ' + "9" * 5000 + "}",
    ],
    ids=["deep", "long", "longer"],
)
@pytest.mark.parametrize("others", ["", "broken\n"], ids=["alone", "beside_no_json"])
def test_a_line_that_only_one_decoder_refuses_is_left_out_too(files, line, others):
    log = files[0].parent / "requests.ndjson"
    good = "".join(f'{{"account_id": "{name}", "ts": 1}}\n' for name in ("a1", "a2", "b1"))
    log.write_text(f"{good}{line}\n{others}{good}")
    done = run(*files, "--requests", log, "--json")
    assert done.exit_code == 0
    assert f"{2 if others else 1} lines cannot be read" in done.stderr
    result = json.loads(done.stdout)
    assert (result["campaigns"], result["per_innocent"]) == (2, {})


def test_baselines_without_requests_is_a_usage_error(files):
    done = run(*files, "--baselines")
    assert done.exit_code == 2
    assert done.stderr == "revenuer evaluate: --baselines needs --requests FILE\n"


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_file_is_one_line_and_exit_2(files, missing):
    files[missing].unlink()
    done = run(*files)
    assert done.exit_code == 2
    assert done.stderr == f"revenuer evaluate: {files[missing]}: No such file or directory\n"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "truncated"),
        ("[]", "Expected `object`"),
        ('{"id": "x", "severity": "urgent", "accounts": []}', "urgent"),
        ('{"id": "x", "severity": "high"}', "accounts"),
        ('{"id": "x", "severity": "high", "accounts": ["a"]}', "no time"),
        ('{"id": "x", "severity": "high", "accounts": ["a"], "detected_at": "soon"}', "soon"),
        ('{"id": "x", "more": ' + "[" * 3000 + "]" * 3000 + "}", "recursion"),
    ],
)
def test_a_broken_alert_names_file_line_and_reason(files, line, reason):
    with files[0].open("a") as handle:
        handle.write(line + "\n")
    done = run(*files)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"revenuer evaluate: {files[0]}:3: no alert: ")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'{"campaigns": {}', 1),
        (b'{"campaigns":\n {"a": ["b"]},\n "archetype": nothing}', 3),
        (b'{"archetype": {}}', 1),
    ],
)
def test_a_broken_truth_names_file_and_line(files, content, line):
    files[1].write_bytes(content)
    done = run(*files)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"revenuer evaluate: {files[1]}:{line}: ")
    assert done.stderr.count("\n") == 1


def test_a_time_that_is_none_in_the_truth_is_named(files):
    files[1].write_bytes(msgspec.json.encode(TRUTH | {"attack_times": {"a1": ["yesterday"]}}))
    done = run(*files)
    assert done.exit_code == 1
    assert "attack_times of 'a1'" in done.stderr


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08broken", b"\x28\xb5\x2f\xfdbroken"])
def test_a_broken_archive_is_named(files, content):
    files[0].write_bytes(content)
    done = run(*files)
    assert done.exit_code == 1
    assert "cannot be unpacked" in done.stderr


def test_a_broken_accounts_file_beside_is_named(files):
    (files[0].parent / "accounts.parquet").write_bytes(b"no parquet")
    done = run(*files)
    assert done.exit_code == 1
    assert "accounts.parquet: cannot be read" in done.stderr
