"""The page on rules of one's own: its example is sound, and what it says of weights, levels and the reference holds."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from detector.cli import app
from detector.scoring.reference import load_reference
from detector.scoring.rules import CATEGORIES, EVIDENCE, TECHNIQUES, known_fields, load_rules, read_rule
from detector.scoring.rules.check_header import _STATUSES
from detector.scoring.rules.evaluate import STRATUM, RuleSet, rules_of
from detector.scoring.rules.model import QUANTILES

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "own-rules.md").read_text()
(EXAMPLE,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of the page, with its example."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "myrules").mkdir()
    (tmp_path / "myrules" / "maths_in_bulk.yml").write_text(EXAMPLE)
    return tmp_path / "myrules"


def test_the_example_passes_the_commands_of_the_page(folder):  # noqa: ARG001 - the folder that they name
    (block,) = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    commands = block.splitlines()
    assert len(commands) == 2
    for command in commands:
        done = CliRunner().invoke(app, shlex.split(command)[1:])
        assert done.exit_code == 0, done.output


def test_a_test_needs_the_quantiles_that_are_asked_for(folder):
    path = folder / "maths_in_bulk.yml"
    path.write_text(EXAMPLE.replace("    cap_maths: {p99: 0.8}\n", ""))
    assert "the reference lacks cap_maths p99" in CliRunner().invoke(app, ["rules", "lint", str(path)]).stderr


@pytest.mark.parametrize("condition", ["1 of selection*", "all of selection* and not filter_agents"])
def test_conditions_of_the_page_are_understood(folder, condition):
    path = folder / "maths_in_bulk.yml"
    text = EXAMPLE.replace("selection and not filter_agents", condition)
    path.write_text(text if "filter" in condition else re.sub(r"  filter_agents:\n.*\n", "", text))
    assert read_rule(path, known_fields()).code == "MATHS_IN_BULK"


def test_what_the_page_lists_is_all_there_is():
    assert f"{', '.join(EVIDENCE[:-1])} or {EVIDENCE[-1]}" in EXAMPLE
    assert all(status in EXAMPLE for status in _STATUSES)
    assert all(f"`{level}`" in PAGE for level in QUANTILES)
    assert len(TECHNIQUES) == 6
    assert len(PAGE.splitlines()) <= 80


def test_a_tag_that_is_none_of_those_used_here_is_not_called_unknown(folder):
    path = folder / "maths_in_bulk.yml"
    path.write_text(EXAMPLE.replace("atlas.aml.t0024.002", "atlas.aml.t0051"))
    said = CliRunner().invoke(app, ["rules", "lint", str(path)]).stderr
    assert f"tag 'atlas.aml.t0051' is none of the 6 ATLAS techniques used here ({', '.join(TECHNIQUES)})" in said


def test_the_reference_that_ships_has_all_fields():
    for category, strata in load_reference().quantiles.items():
        assert set(strata["all"]) >= set(known_fields()[category])


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_level_of_a_rule_changes_no_score(category):
    rules = rules_of(load_rules(), category)
    windows = [dict(test.window) for rule in rules for test in rule.tests]
    schema = dict.fromkeys(known_fields()[category], pl.Float64)
    frame = pl.DataFrame(windows, schema=schema, strict=False).with_columns(pl.lit("all").alias(STRATUM))

    def scores(of):
        made = RuleSet(of, load_reference())
        return made.contributions(made.fired(frame)).sum(axis=1).tolist()

    assert any(scores(rules))
    assert scores([replace(rule, level="critical" if rule.level == "low" else "low") for rule in rules]) == scores(
        rules
    )
