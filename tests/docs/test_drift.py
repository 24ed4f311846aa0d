"""The generated pages of the docs are what the code says now, and leave nothing out."""

import json
import re
import runpy
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from detector.alerts.model import alert_schema
from detector.cli import whole
from detector.config import (
    ChannelSettings,
    ClusterSettings,
    EnforcementSettings,
    JwtSettings,
    RetentionSettings,
    Settings,
    load_settings,
)
from detector.coordination.features import CLUSTER_FEATURES
from detector.profiles.features.base import FEATURES
from detector.scoring.rules import load_rules

DOCS = Path(__file__).parents[2] / "docs"
BUILD = runpy.run_path(str(DOCS / "build.py"))
PAGES = BUILD["pages"]()
COMMANDS = BUILD["leaves"](whole())


def on_disk(name):
    return (DOCS / name).read_text(encoding="utf-8")


def cells(page):
    """The cells of each row of the tables of a page, by the first one."""
    rows = [line.strip("| ").split(" | ") for line in on_disk(page).splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row for row in rows}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_what_the_code_says(name):
    assert on_disk(name) == PAGES[name], f"docs/{name} is stale: run `python docs/build.py`"


def test_no_schema_is_left_over():
    assert {f"schema/{path.name}" for path in (DOCS / "schema").iterdir()} <= set(PAGES)


def test_every_feature_has_a_line_without_gaps():
    rows = cells("features.md")
    assert set(rows) == set(FEATURES) | set(CLUSTER_FEATURES)
    assert all(len(row) == 6 and all(cell.strip() for cell in row) for row in rows.values())


def test_every_rule_has_a_section():
    page = on_disk("rules.md")
    codes = [rule.code for rule in load_rules()]
    assert codes
    assert [code for code in codes if f"\n### {code}\n" not in page or f"| `{code}` |" not in page] == []


def test_every_setting_is_explained():
    rows = cells("settings.md")
    assert set(rows) == {
        n
        for of in (Settings, ChannelSettings, ClusterSettings, EnforcementSettings, JwtSettings, RetentionSettings)
        for n in of.model_fields
    }
    assert [name for name, row in rows.items() if not row[-1].strip()] == []


def test_every_command_and_option_is_explained():
    page = on_disk("commands.md")
    assert {"revenuer replay", "revenuer rules lint"} <= {name for name, _ in COMMANDS}
    assert [name for name, command in COMMANDS if f"\n## `{name}`\n" not in page or not command.help] == []
    assert [(name, p.name) for name, command in COMMANDS for p in command.params if not p.help] == []


def test_every_variable_of_the_environment_is_named_and_no_default_is_empty():
    page = on_disk("commands.md")
    variables = {p.envvar for _, command in COMMANDS for p in command.params if p.envvar}
    assert {"REVENUER_TOKEN", "REVENUER_DATABASE_URL"} <= variables
    assert [name for name in variables if f"| `{name}` |" not in page] == []
    assert "| `` |" not in page


def test_the_example_of_a_table_in_the_environment_is_good(monkeypatch, tmp_path):
    (name, value) = re.search(r"`(REVENUER_\w+)='(.*?)'`", on_disk("settings.md")).groups()
    monkeypatch.setenv(name, value)
    (tmp_path / "one.toml").write_text("enforcement.approvals = 3")
    found = load_settings(tmp_path / "one.toml").enforcement
    assert (found.mode, found.approvals) == ("live", 3)


@pytest.mark.parametrize("record", alert_schema()["$defs"])
def test_every_field_of_an_alert_is_explained_and_no_other(record):
    assert set(BUILD["meanings"](record)) == set(alert_schema()["$defs"][record]["properties"])


@pytest.mark.parametrize("name", sorted(n for n in PAGES if n.endswith(".json")))
def test_a_schema_is_one(name):
    Draft202012Validator.check_schema(json.loads(on_disk(name)))


def test_the_schema_of_exchanges_takes_a_good_record_and_refuses_a_bad_one():
    schema = Draft202012Validator(json.loads(on_disk("schema/exchange.json")))
    good = {"ts": 1_780_272_000, "request_id": "r-1", "account_id": "a-1", "model": "m"}
    assert schema.is_valid(good)
    assert not schema.is_valid(good | {"output_tokens": "many"})
    assert not schema.is_valid({key: value for key, value in good.items() if key != "account_id"})
