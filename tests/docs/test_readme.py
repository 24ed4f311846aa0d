"""Every command of the README runs as it stands there."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def commands() -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.slow
def test_every_command_runs(tmp_path):
    found = commands()
    assert len(found) >= 8
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
