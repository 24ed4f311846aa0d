"""Every command of the README runs as it stands there."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def commands() -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["0.2", pytest.param("1", marks=pytest.mark.soak)])
def test_every_command_runs(tmp_path, scale):
    found = commands()
    assert len(found) >= 8
    made = "revenuer simulate demo --out world"
    assert made in found
    found[found.index(made)] += f" --scale {scale}"  # each of the others as it stands, over a smaller world
    environment = os.environ | {"REVENUER_HASH_KEY": "5", "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    for line in found:
        name, *args = shlex.split(line)
        assert name == "revenuer", line
        # The command of this checkout, whatever is installed.
        run = [sys.executable, "-c", "from detector.cli import main; main()", *args]
        done = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    for name in (
        "alerts.ndjson",
        "accounts.parquet",
        "clusters.parquet",
        "dead_letter.ndjson",
        "recommendations.ndjson",
        "run.json",
        "report.html",
    ):
        assert (tmp_path / "out" / name).exists()


def test_the_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_named_files_exist():
    for path in re.findall(r"`((?:streams|detector|docs|benchmarks|rules|dashboards|docker)/[\w./-]*)`", README):
        assert (ROOT / path).exists(), path


def test_links_lead_to_files():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert len(links) >= 5
    assert [path for path in links if not (ROOT / path).is_file()] == []


def test_every_generated_page_is_linked():
    for page in ("features", "rules", "schema", "settings", "commands"):
        assert f"(docs/{page}.md)" in README, page


def test_pictures_are_small_and_told_in_words():
    pictures = re.findall(r"!\[(.*?)\]\((.*?)\)", README)
    assert pictures
    for words, path in pictures:
        assert len(words.split()) > 5, path
        assert (ROOT / path).stat().st_size < 300_000, path


def test_the_least_record_is_one():
    record = json.loads(re.findall(r"```json\n(.*?)```", README, re.DOTALL)[0])
    schema = json.loads((ROOT / "docs/schema/exchange.json").read_text())
    assert Draft202012Validator(schema).is_valid(record)
    assert sorted(record) == sorted(schema["required"])
