"""`revenuer config check` says of settings what a run with them would stumble over."""

import json
import re
import shutil
import tomllib
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
from rule_files import written
from structlog.testing import capture_logs
from typer.testing import CliRunner

from detector.alerts.store import Store
from detector.cli import app
from detector.config import ClusterSettings, EnforcementSettings, RetentionSettings, Settings, load_settings
from detector.scoring.rules import default_folder, load_rules
from detector.service.http.metrics import Metrics
from detector.service.serve_cli import _live

BROKEN = "title: one\nid: none\n"


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Checks settings in a folder with a broken rule, and gives exit code, good or not, and problems."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "one.yml").write_text(BROKEN)
    (tmp_path / "empty").mkdir()
    (tmp_path / "doubled").mkdir()
    taken = min(default_folder().glob("*.yml")).read_text()
    (tmp_path / "doubled" / "one.yml").write_text(re.sub("(?m)^id: .*", f"id: {uuid.uuid4()}", taken))
    (tmp_path / "text").write_text("none of all that")

    def checked(settings):
        (tmp_path / "revenuer.toml").write_text(settings)
        done = CliRunner().invoke(app, ["config", "check", "revenuer.toml", "--json"])
        return SimpleNamespace(code=done.exit_code, **json.loads(done.stdout))

    return checked


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("nonsense = 1", "revenuer.toml: nonsense: no such setting"),
        ("ticks = 3", "revenuer.toml: ticks: no such setting; did you mean tick_s?"),
        ('enforcement.modes = "live"', "revenuer.toml: enforcement.modes: no such setting; did you mean mode?"),
        (
            '[[notify]]\nname = "a"\nkind = "file"\nto = "a"\nseverities = "low"',
            "revenuer.toml: notify.0.severities: no such setting; did you mean severity?",
        ),
        ('rules = "nodir"', "rules: nodir: no such file or folder"),
        ('rules = "empty"', "rules: empty: no .yml file in it"),
        ('extra_rules = "nodir"', "extra_rules: nodir: no such file or folder"),
        ('extra_rules = "doubled"', "doubled/one.yml:"),
        ('reference = "nofile"', "reference: nofile: No such file or directory"),
        ('reference = "text"', "reference: text: not a benign reference: "),
        ('anomaly_model = "nofile"', "anomaly_model: nofile: "),
        ('anomaly_model = "text"', "anomaly_model: text: "),
        ('format = "nonsuch"', "format: nonsuch is no format"),
        ('format = "nofile.yaml"', "format: nofile.yaml: No such file"),
        ('indicators_key_file = "nofile"', "indicators_key_file: "),
        ('kafka.cafile = "nofile"', "kafka: cafile: nofile: no such file"),
        ('kafka.password_file = "nofile"', "kafka: password_file: "),
        (
            '[[notify]]\nname = "soc"\nkind = "webhook"\nto = "https://soc.example"\nsecret_file = "nofile"',
            "notify: soc: ",
        ),
        ('[[notify]]\nname = "a"\nkind = "file"\nto = "a"\n' * 2, "notify: two channels are called a"),
        ('[jwt]\njwks = "nofile"\nissuer = "i"\naudience = "a"', "jwt: nofile: "),
    ],
)
def test_what_a_run_would_refuse_is_a_problem(check, settings, problem):
    done = check(settings)
    assert (done.code, done.ok, len(done.problems)) == (2, False, 1)
    assert done.problems[0].startswith(problem)


def test_rules_have_the_problems_of_lint(check):
    lint = json.loads(CliRunner().invoke(app, ["rules", "lint", "broken", "--json"]).stdout)["problems"]
    assert len(lint) > 1
    assert check('rules = "broken"').problems == [f"{p['file']}:{p['line']}: {p['reason']}" for p in lint]


def test_all_that_is_wrong_is_said_at_once(check):
    assert len(check('rules = "nodir"\nreference = "nofile"\nformat = "nonsuch"').problems) == 3


def test_good_settings_are_good_and_a_check_changes_nothing(check, tmp_path):
    shutil.copytree(default_folder(), tmp_path / "rules")
    (tmp_path / "secret").write_text("s" * 32)
    (tmp_path / "alerts").write_text('{"cut')
    done = check(
        'rules = "rules"\nindicators_key_file = "secret"\nanomaly_model = "none"\n'
        '[[notify]]\nname = "soc"\nkind = "webhook"\nto = "https://soc.example"\nsecret_file = "secret"\n'
        '[[notify]]\nname = "own"\nkind = "file"\nto = "alerts"\n'
    )
    assert (done.code, done.ok, done.problems) == (0, True, [])
    assert (tmp_path / "alerts").read_text() == '{"cut'
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "alerts",
        "broken",
        "doubled",
        "empty",
        "revenuer.toml",
        "rules",
        "secret",
        "text",
    ]


@pytest.fixture
def own(tmp_path):
    """A folder with one rule that does not ship."""
    folder = tmp_path / "own"
    folder.mkdir()
    written(folder)
    return folder


def test_a_folder_that_takes_the_place_of_the_shipped_rules_is_said(check, own):
    done = check(f'rules = "{own.name}"')
    n = len(load_rules())
    said = f"1 rule in use, from own; the {n} shipped ones are not (the setting extra_rules adds to them)"
    assert (done.code, done.warnings) == (0, [said])
    plain = CliRunner().invoke(app, ["config", "check", "revenuer.toml"])
    assert (plain.stdout, plain.stderr) == ("revenuer.toml: good\n", f"revenuer: {said}\n")
    shutil.copy(min(default_folder().glob("*.yml")), own)
    assert (
        check(f'rules = "{own.name}"').warnings[0].startswith(f"2 rules in use, from own; {n - 1} of the {n} shipped")
    )


def test_a_service_says_it_in_its_log(own, tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    with capture_logs() as told:
        _live(Settings(hash_key=5, rules=own), store, Metrics(), tmp_path)
    store.close()
    (said,) = [line["said"] for line in told if line["event"] == "rules_left_out"]
    assert said.startswith(f"1 rule in use, from {own}; ")


def test_extra_rules_take_nothing_away(check, own, tmp_path):
    assert check(f'extra_rules = "{own.name}"').warnings == []
    shutil.copytree(default_folder(), tmp_path / "all")
    assert check(f'rules = "all"\nextra_rules = "{own.name}"').warnings == []
    codes = {rule.code for rule in load_rules()}
    assert {rule.code for rule in load_rules(extra=own)} == codes | {"MANY_REQUESTS"}


FULL = """
hash_key = 424242
tick_s = 60
console_url = "https://a.example/\\"quoted\\"\\u007f\U0001f9ea"
rules = "own rules"
anomaly_model = "none"

[enforcement]
mode = "live"
traffic_share = 1e-5
protected_tiers = ["enterprise", "a, b"]

[[notify]]
name = "soc"
kind = "webhook"
to = "https://soc.example"
allow = ["192.0.2.0/24"]

[[notify]]
name = "own"
kind = "file"
to = "alerts"

[jwt]
jwks = "keys.json"
issuer = "i"
audience = "a"
allow = ["10.0.0.0/8"]

[jwt.scopes]
"soc lead" = ["admin", "read"]
"""


@pytest.mark.parametrize("given", ["", FULL], ids=["defaults", "full"])
def test_what_config_show_prints_gives_the_same_settings_back(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    Path("one.toml").write_text(given)
    shown = CliRunner().invoke(app, ["config", "show", "--config", "one.toml"], catch_exceptions=False).stdout
    Path("two.toml").write_text(shown)
    tomllib.loads(shown)
    one, two = load_settings(Path("one.toml")), load_settings(Path("two.toml"))
    assert two == one.model_copy(update={"hash_key": 0})
    assert "424242" not in shown
    again = CliRunner().invoke(app, ["config", "show", "--config", "two.toml"]).stdout
    assert again.replace("of the log in a replay, drawn and kept by serve", "set, and not shown") == shown.replace(
        "of the log in a replay, drawn and kept by serve", "set, and not shown"
    )


def test_config_show_has_every_setting_and_its_meaning():
    lines = CliRunner().invoke(app, ["config", "show"]).stdout.splitlines()
    for of in (Settings, EnforcementSettings, ClusterSettings, RetentionSettings):
        for name, info in of.model_fields.items():
            said = [i for i, line in enumerate(lines) if re.match(rf"(# )?(\[+)?{name}(\]| =)", line)]
            assert any(lines[i - 1] == f"# {info.description.removesuffix(', see below')}" for i in said), name
    assert not any("below" in line or "None" in line or "{'" in line for line in lines)


def test_without_json_problems_are_lines_on_standard_error(check):
    check('rules = "broken"')
    done = CliRunner().invoke(app, ["config", "check", "revenuer.toml"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert all(line.startswith("broken/one.yml:") for line in done.stderr.splitlines())
    check("tick_s = 60")
    done = CliRunner().invoke(app, ["config", "check", "revenuer.toml"])
    assert (done.exit_code, done.stdout, done.stderr) == (0, "revenuer.toml: good\n", "")


@pytest.mark.parametrize("command", [["config", "show"], ["replay", "log.ndjson", "--out", "out"]])
@pytest.mark.parametrize(("name", "value"), [("ENFORCEMENT", "live"), ("NOTIFY", "x"), ("JWT", "{")])
def test_a_table_in_the_environment_that_is_no_json_is_one_line(tmp_path, monkeypatch, command, name, value):
    monkeypatch.chdir(tmp_path)
    Path("log.ndjson").write_text("")
    monkeypatch.setenv(f"REVENUER_{name}", value)
    done = CliRunner().invoke(app, command)
    assert (done.exit_code, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert f"REVENUER_{name}" in line


def test_a_wrong_value_of_the_environment_is_not_blamed_on_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("revenuer.toml").write_text("tick_s = 60\n")
    monkeypatch.setenv("REVENUER_ENFORCEMENT", '{"mode": "loud"}')
    done = CliRunner().invoke(app, ["config", "show", "--config", "revenuer.toml"])
    assert done.exit_code == 2
    assert "environment: REVENUER_ENFORCEMENT.mode: " in done.stderr
    assert "revenuer.toml" not in done.stderr
    monkeypatch.delenv("REVENUER_ENFORCEMENT")
    Path("revenuer.toml").write_text("tick_s = 1\n")
    assert "revenuer.toml: tick_s: " in CliRunner().invoke(app, ["config", "show", "--config", "revenuer.toml"]).stderr
