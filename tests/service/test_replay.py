"""Replays end to end on a small world: books that balance, the same answer however the log is cut, and no hindsight."""

import io
import json
import shutil
import time
from bisect import bisect_left
from datetime import datetime

import making
import polars as pl
import pytest
from rich.console import Console
from rule_files import written
from typer.testing import CliRunner

from detector.cli import app
from detector.scoring.rules import load_rules
from detector.service.replay_cli import alert_table
from detector.service.results import alert_ids
from detector.simulator.generate import write
from detector.simulator.world import load_world

KEY = {"REVENUER_HASH_KEY": "12345"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    write(load_world("tiny"), folder)
    return folder


def run(log, out, world, *more):
    args = ["replay", *map(str, log), "--accounts", str(world / "accounts.ndjson"), "--out", str(out), "--json", *more]
    result = CliRunner().invoke(app, args, env=KEY)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def whole(world, tmp_path_factory):
    """What a replay of the whole log says, and where it wrote the rest."""
    out = tmp_path_factory.mktemp("whole")
    return run([world / "requests.ndjson"], out, world), out


def alerts(out):
    return [json.loads(text) for text in (out / "alerts.ndjson").read_text().splitlines()]


def core(alert):
    return {k: alert[k] for k in ("id", "kind", "accounts", "severity", "account_detected_at", "detected_at", "risk")}


@pytest.mark.parametrize("category", ["account_window", "cluster_window"])
def test_a_folder_with_rules_of_one_category_is_enough(world, tmp_path, monkeypatch, category):
    folder = tmp_path / "rules"
    folder.mkdir()
    for rule in load_rules():
        if rule.category == category:
            shutil.copy(rule.path, folder)
    monkeypatch.setenv("REVENUER_RULES", str(folder))
    run([world / "requests.ndjson"], tmp_path / "out", world)
    kinds = {"account_window": {"account"}, "cluster_window": {"account", "cluster"}}[category]
    assert {alert["kind"] for alert in alerts(tmp_path / "out")} <= kinds


@pytest.mark.parametrize(("setting", "warned"), [("rules", 1), ("extra_rules", 0)])
def test_a_replay_says_once_which_rules_it_does_without(world, tmp_path, setting, warned):
    (tmp_path / "mine").mkdir()
    written(tmp_path / "mine")
    args = ["replay", str(world / "requests.ndjson"), "--until", "2026-03-02T01:00:00Z", "--out", str(tmp_path / "o")]
    env = KEY | {f"REVENUER_{setting.upper()}": str(tmp_path / "mine")}
    said = CliRunner().invoke(app, args, env=env).stderr
    assert (
        said.count(f"1 rule in use, from {tmp_path / 'mine'}; the {len(load_rules())} shipped ones are not") == warned
    )
    assert said.count("MANY_REQUESTS: rules of your own") == 1


def test_everything_is_written_and_the_books_balance(whole):
    told, out = whole
    counts = told["counts"]
    assert counts["read"] == counts["accepted"] + counts["duplicates"] + counts["dead_lettered"] > 0
    for name in (
        "alerts.ndjson",
        "accounts.parquet",
        "clusters.parquet",
        "dead_letter.ndjson",
        "recommendations.ndjson",
        "report.html",
        "run.json",
    ):
        assert (out / name).exists()
    assert pl.read_parquet(out / "accounts.parquet")["account_id"].n_unique() == counts["accounts"]


def test_accounts_that_fell_silent_before_the_window_are_written_and_count_as_active(world, tmp_path):
    log = tmp_path / "requests.ndjson"
    lines = (world / "requests.ndjson").read_bytes()
    last = max(json.loads(line)["ts"] for line in lines.splitlines())
    late = {"ts": last + 30 * 86_400, "request_id": "late", "account_id": "late", "model": "m"}
    log.write_bytes(lines + json.dumps(late).encode() + b"\n")
    told = run([log], tmp_path / "out", world)
    accounts = pl.read_parquet(tmp_path / "out" / "accounts.parquet")
    assert accounts.height == accounts["account_id"].n_unique() == told["counts"]["accounts"]
    assert accounts.filter(pl.col("requests") > 0)["account_id"].to_list() == ["late"]
    silent = accounts.filter(pl.col("account_id") != "late")
    assert (silent["last_seen"].dt.epoch("s") <= last).all()
    assert (silent["first_seen"] <= silent["last_seen"]).all()
    assert (silent["risk"] == 0.0).all()
    given = [str(tmp_path / "out" / "alerts.ndjson"), str(world / "truth.json"), "--json"]
    found = json.loads(CliRunner().invoke(app, ["evaluate", *given]).stdout)
    truth = json.loads((world / "truth.json").read_text())
    hostile = {account for campaign in truth["campaigns"].values() for account in campaign}
    assert sum(kind["accounts"] for kind in found["per_innocent"].values()) >= len(set(silent["account_id"]) - hostile)


def test_a_cluster_leads_to_its_alert(whole):
    _, out = whole
    clusters = pl.read_parquet(out / "clusters.parquet")
    live = {a["id"]: a for a in alerts(out) if a["kind"] == "cluster" and not a["merged_into"]}
    assert clusters.schema["alert_id"] == pl.String
    joined = clusters.drop_nulls("alert_id")
    assert joined.height
    assert set(joined["alert_id"]) <= set(live)
    for accounts, name in joined.select("accounts", "alert_id").iter_rows():
        common = set(accounts) & set(live[name]["accounts"])
        assert 2 * len(common) >= min(len(accounts), len(live[name]["accounts"]))
    named = {account for a in live.values() for account in a["accounts"]}
    alone = [accounts for (accounts,) in clusters.filter(pl.col("alert_id").is_null()).select("accounts").iter_rows()]
    assert all(2 * len(named.intersection(accounts)) < len(accounts) for accounts in alone)


def test_the_alert_of_a_cluster_is_the_live_one_that_is_most_like_it():
    told = [
        making.alert("alr_whole", "abcdefgh"),
        making.alert("alr_part", "abc"),
        making.alert("alr_gone", "xyz", merged_into="alr_whole"),
        making.alert("alr_single", "u"),
    ]
    clusters = ["abc", "abcdefg", "defgh", "xyz", "uvw", "hijklm", "hi"]
    found = ["alr_part", "alr_whole", "alr_whole", None, None, None, "alr_whole"]
    assert alert_ids([list(c) for c in clusters], told) == found
    assert alert_ids([["a"]], []) == [None]


def test_recommendations_are_told_as_they_were_made_and_bind_what_is_named_core(whole):
    _, out = whole
    told = [json.loads(text) for text in (out / "recommendations.ndjson").read_text().splitlines()]
    made = [each["recommendation"] for each in told]
    assert [m["created_at"] for m in made] == sorted(m["created_at"] for m in made)
    last = {m["alert_id"]: m for m in made}
    assert any(alert["severity"] in {"high", "critical"} for alert in alerts(out))
    for alert in alerts(out):
        assert alert["recommendation"] == last[alert["id"]]
        core = sorted(m["account_id"] for m in alert["members"] if m["role"] == "core")
        assert alert["recommendation"]["subject"]["accounts"] == core


def test_another_order_of_files_gives_the_same(world, whole, tmp_path):
    lines = (world / "requests.ndjson").read_bytes().splitlines(keepends=True)
    cut = len(lines) // 3
    (tmp_path / "z_first.ndjson").write_bytes(b"".join(lines[:cut]))
    (tmp_path / "a_last.ndjson").write_bytes(b"".join(lines[cut:]))
    run([tmp_path / "a_last.ndjson", tmp_path / "z_first.ndjson"], tmp_path / "two", world)
    one, two = (pl.read_parquet(k / "accounts.parquet").sort("account_id") for k in (whole[1], tmp_path / "two"))
    assert one["score"].to_list() == two["score"].to_list()
    assert [core(a) for a in alerts(whole[1])] == [core(a) for a in alerts(tmp_path / "two")]


def test_two_replays_of_a_log_say_the_same_without_a_key_being_set(world, tmp_path, monkeypatch):
    monkeypatch.delenv("REVENUER_HASH_KEY", raising=False)
    lines = (world / "requests.ndjson").read_bytes().splitlines(keepends=True)
    (tmp_path / "part.ndjson").write_bytes(b"".join(lines[: len(lines) // 2]))
    other = [lines[0].replace(b'"request_id":"', b'"request_id":"x'), *lines[1:]]
    (tmp_path / "other.ndjson").write_bytes(b"".join(other))
    logs = {
        "one": world / "requests.ndjson",
        "two": world / "requests.ndjson",
        "part": tmp_path / "part.ndjson",
        "other": tmp_path / "other.ndjson",
    }
    accounts, keys = ["--accounts", str(world / "accounts.ndjson")], {}
    for name, log in logs.items():
        args = ["replay", str(log), *accounts, "--out", str(tmp_path / name), "--json"]
        result = CliRunner().invoke(app, args)
        assert result.exit_code == 0, result.output
        keys[name] = json.loads(result.output.strip().splitlines()[-1])["hash_key"]
    for file in ("alerts.ndjson", "recommendations.ndjson", "accounts.parquet", "clusters.parquet"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert alerts(tmp_path / "one")
    # A log that is cut has the same key, another log has another.
    assert keys["one"] == keys["part"] != keys["other"]


def test_no_hindsight(world, whole, tmp_path):
    lines = (world / "requests.ndjson").read_bytes().splitlines(keepends=True)
    cut = 2 * len(lines) // 3
    (tmp_path / "part.ndjson").write_bytes(b"".join(lines[:cut]))
    end = json.loads(lines[cut - 1])["ts"]
    last = end // 300 * 300  # the last tick that both have seen
    run([tmp_path / "part.ndjson"], tmp_path / "cut", world)

    def known(out):
        times = {}
        for alert in alerts(out):
            for account, text in alert["account_detected_at"].items():
                when = datetime.fromisoformat(text).timestamp()
                if when <= last and alert["severity"] in ("high", "critical"):
                    times[account] = min(when, times.get(account, when))
        return times

    all_, part = known(whole[1]), known(tmp_path / "cut")
    assert part == {a: t for a, t in all_.items() if a in part}
    assert set(part) == set(all_)


def test_tables_have_all_their_columns_whatever_the_log(world, whole, tmp_path):
    (tmp_path / "empty.ndjson").write_bytes(b"")
    told = run([tmp_path / "empty.ndjson"], tmp_path / "out", world)
    assert told["event_time"] is None
    for name in ("accounts.parquet", "clusters.parquet"):
        full, bare = pl.read_parquet(whole[1] / name), pl.read_parquet(tmp_path / "out" / name)
        assert bare.height == 0 < full.height
        assert dict(bare.schema) == dict(full.schema)


def test_figures_of_an_alert_are_of_the_whole_log(world, whole):
    log = pl.read_ndjson(world / "requests.ndjson", infer_schema_length=None).select("account_id", "ts")
    found = alerts(whole[1])
    assert any(alert["kind"] == "cluster" for alert in found)
    for alert in found:
        theirs = log.filter(pl.col("account_id").is_in(alert["accounts"]))["ts"]
        last = float(theirs.max())
        assert datetime.fromisoformat(alert["last_seen"]).timestamp() == pytest.approx(last, abs=0.002)
        assert alert["exchanges"] == len(theirs)
        if "timeline" in alert["evidence"]:
            shown = alert["evidence"]["timeline"]
            hours = [datetime.fromisoformat(hour).timestamp() for hour in shown["hours"]]
            assert hours[-1] == last // 3600 * 3600
            assert max(shown["counts"]) <= len(alert["accounts"])
            assert hours[0] == float(theirs.min()) // 3600 * 3600


def advice(out, until):
    """What was said up to a moment, in order: severity and all of the recommendation."""
    rows = [json.loads(text) for text in (out / "recommendations.ndjson").read_text().splitlines()]
    return [row for row in rows if datetime.fromisoformat(row["recommendation"]["created_at"]).timestamp() <= until]


def test_a_log_that_ends_at_any_tick_says_up_to_it_what_the_whole_log_says(world, whole, tmp_path):
    lines = (world / "requests.ndjson").read_bytes().splitlines(keepends=True)
    times = [json.loads(line)["ts"] for line in lines]
    told = advice(whole[1], times[-1])
    first = datetime.fromisoformat(told[0]["recommendation"]["created_at"]).timestamp()
    middle = datetime.fromisoformat(told[len(told) // 2]["recommendation"]["created_at"]).timestamp()
    # Ticks at which something was said, and some before, at which clusters were not looked at or nothing was to be said yet.
    for number, tick in enumerate((first, first - 300, middle - 600, middle)):
        log, out = tmp_path / f"{number}.ndjson", tmp_path / str(number)
        log.write_bytes(b"".join(lines[: bisect_left(times, tick)]))
        run([log], out, world)
        assert advice(out, tick) == advice(whole[1], tick)


def test_without_text_it_still_works_and_says_so(world, tmp_path):
    log = pl.read_ndjson(world / "requests.ndjson", infer_schema_length=None).drop("prompt", "system_prompt")
    log.write_ndjson(tmp_path / "bare.ndjson")
    told = run([tmp_path / "bare.ndjson"], tmp_path / "out", world, "--engine", "local")
    assert "top_template_share" in told["unavailable_features"]
    assert "requests" not in told["unavailable_features"]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_a_time_without_a_zone_is_utc_on_every_machine(world, monkeypatch, zone):
    asked = []

    def heard(*arguments, **_):
        asked.extend(arguments[-2:])
        raise SystemExit

    monkeypatch.setattr("detector.service.replay_cli.replayed", heard)
    args = ["replay", str(world), "--since", "2026-03-02", "--until", "2026-03-03T02:00:00+02:00"]
    try:
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        CliRunner().invoke(app, args)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert asked == [1_772_409_600_000_000, 1_772_496_000_000_000]


def test_a_missing_file_is_one_line_and_exit_2(tmp_path):
    result = CliRunner().invoke(app, ["replay", str(tmp_path / "nothing"), "--out", str(tmp_path / "o")])
    assert result.exit_code == 2


def printed(alerts, width, **how):
    console = Console(width=width, color_system=None, file=io.StringIO())
    console.print(alert_table(alerts, **how))
    return console.file.getvalue()


def test_the_table_of_alerts_can_be_read_at_80_columns():
    codes = sorted((rule.code for rule in load_rules()), key=len)[-3:]
    at = "2026-03-03T03:30:00.000Z"
    alert = {"id": "alr_cf5c59762be5ed15", "severity": "critical", "risk": 99.3, "accounts": 12_345, "detected_at": at}
    alert |= {"reasons": codes, "action": "rotate_key"}
    said = printed([alert], 80, stacked=True)
    assert max(map(len, said.splitlines())) <= 80
    for whole in (alert["id"], *codes, "critical", "99.3", "12,345", "03-03 03:30", "rotate_key"):
        assert whole in said
    (line,) = [line for line in printed([alert], 1000, stacked=False).splitlines() if alert["id"] in line]
    assert ", ".join(codes) in line


@pytest.fixture
def ended(world, tmp_path):
    """Replays a file of the world, and gives the exit code, the last line on standard error and what became of the records."""

    def run(name, *more):
        args = ["replay", str(world / name), "--out", str(tmp_path / "o"), *more]
        result = CliRunner().invoke(app, args, env=KEY)
        told = tmp_path / "o" / "run.json"
        counts = json.loads(told.read_text())["counts"] if told.exists() else None
        return result.exit_code, (result.stderr.splitlines() or [""])[-1], counts

    return run


def test_a_replay_of_which_all_records_are_refused_fails_and_says_why(ended):
    code, line, counts = ended("requests.ndjson", "--format", "litellm")
    n = counts["read"]
    assert (code, counts["dead_lettered"]) == (1, n)
    assert line == f"revenuer replay: {n:,} of {n:,} records were refused: {n:,} unrecognised; is --format right?"


def test_what_is_refused_most_often_is_named_with_its_field(ended, tmp_path):
    lines = [{"ts": 1, "request_id": "r", "model": "m"}] * 3 + [{"ts": 1.78e9, "request_id": "r", "account_id": "a"}]
    (tmp_path / "poor.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines) + "{\n[1]\n")
    code, line, _ = ended(tmp_path / "poor.ndjson")
    assert code == 1
    assert "6 of 6 records were refused: 3 missing field account_id, 1 " in line
    assert "1 for other reasons" in line


@pytest.mark.parametrize("more", [["--since", "2030-01-01"], ["--until", "2020-01-01", "--json"]])
def test_a_window_without_a_record_fails(ended, more):
    code, line, counts = ended("requests.ndjson", *more)
    assert (code, counts["read"]) == (1, 0)
    assert f"{counts['skipped']:,} records are outside of --since and --until" in line


@pytest.mark.parametrize("since", ["2026-03-03", "2026-03-04"])
def test_a_window_that_ends_before_it_begins_is_misuse(ended, since):
    code, line, counts = ended("requests.ndjson", "--since", since, "--until", "2026-03-03")
    assert (code, counts) == (2, None)
    assert line.startswith(f"revenuer replay: --since {since} is not before --until 2026-03-03")


def test_a_log_without_a_record_is_no_failure_and_says_so(ended, tmp_path):
    (tmp_path / "empty.ndjson").write_text("")
    code, line, counts = ended(tmp_path / "empty.ndjson")
    assert (code, counts["read"]) == (0, 0)
    assert line == "revenuer replay: there is no record in these files"


def test_a_mistake_of_ours_is_no_misuse(world, tmp_path, monkeypatch):
    def broken(*_):
        raise ValueError("ours")

    monkeypatch.setattr("detector.service.replay.write_results", broken)
    args = ["replay", str(world / "requests.ndjson"), "--out", str(tmp_path / "o")]
    result = CliRunner().invoke(app, args, env=KEY)
    assert result.exit_code == 1
    assert isinstance(result.exception, ValueError)
    assert result.exception.args == ("ours",)


def test_rules_that_are_none_are_misuse(world, tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "one.yml").write_text("title: [")
    args = ["replay", str(world / "requests.ndjson"), "--out", str(tmp_path / "o")]
    result = CliRunner().invoke(app, args, env=KEY | {"REVENUER_RULES": str(tmp_path / "rules")})
    assert result.exit_code == 2
    assert result.output.count("\n") == 1


def test_text_never_reaches_the_results(world, tmp_path):
    log = pl.read_ndjson(world / "requests.ndjson", infer_schema_length=None)
    log = log.with_columns(pl.concat_str(pl.col("prompt"), pl.lit(" canarybird"), pl.col("request_id")).alias("prompt"))
    log.write_ndjson(tmp_path / "canary.ndjson")
    run([tmp_path / "canary.ndjson"], tmp_path / "out", world)
    for path in (tmp_path / "out").iterdir():
        assert b"canarybirdreq" not in path.read_bytes()
