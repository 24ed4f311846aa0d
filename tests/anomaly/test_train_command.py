"""`revenuer train`: a model from a replay's accounts, exit codes and JSON."""

import json
import subprocess
import sys

import polars as pl
import pytest
import typer
from made import accounts
from typer.testing import CliRunner

from detector.profiles.features import FEATURES
from detector.scoring.anomaly.cli import train
from detector.scoring.anomaly.model import AnomalyModel

app = typer.Typer()
app.command()(train)
CHEAP = ("--detectors", "ecod")


def run(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def written(path, rows, seed=0, factor=1.0):
    """A file in the shape of a replay's: a few features move, the others are unknown."""
    x, kinds = accounts(rows, seed)
    columns = {name: x[:, i] * factor for i, name in enumerate(list(FEATURES)[: x.shape[1]])}
    frame = pl.DataFrame(columns).with_columns(
        pl.lit(None, pl.Float64).alias(name) for name in FEATURES if name not in columns
    )
    frame.with_columns(pl.Series("stratum", list(kinds)), account_id=pl.lit("a")).write_parquet(path)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replay")
    written(folder / "accounts.parquet", 400)
    result = run(folder, "--out", folder / "model", *CHEAP, "--json")
    assert result.exit_code == 0, result.output
    return folder, json.loads(result.stdout)


def test_it_says_what_it_made(trained):
    folder, said = trained
    assert said["accounts"] == 400
    assert said["trained"] is True
    assert said["detectors"] == ["ecod"]
    assert said["bytes"] == (folder / "model").stat().st_size
    assert said["held_out"]["all"] == 80


def test_the_model_scores_accounts(trained):
    folder, _ = trained
    model = AnomalyModel.load(folder / "model")
    assert model.student.features == tuple(FEATURES)
    p = model.score(pl.read_parquet(written(folder / "others.parquet", 500, seed=3))).p_value
    assert 0.4 < p.mean() < 0.6


def test_the_same_traffic_and_seed_give_the_same_file(trained):
    folder, _ = trained
    assert run(folder / "accounts.parquet", "--out", folder / "again", *CHEAP).exit_code == 0
    assert (folder / "again").read_bytes() == (folder / "model").read_bytes()
    assert run(folder, "--out", folder / "other", *CHEAP, "--seed", 1).exit_code == 0
    assert (folder / "other").read_bytes() != (folder / "model").read_bytes()


def test_steady_traffic_needs_no_new_model(trained):
    folder, _ = trained
    steady = written(folder / "steady.parquet", 400, seed=3)
    result = run(steady, "--out", folder / "new", *CHEAP, "--unless-steady", folder / "model", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["trained"] is False
    assert not (folder / "new").exists()


def test_traffic_that_moved_does(trained):
    folder, _ = trained
    moved = written(folder / "moved.parquet", 400, seed=3, factor=30.0)
    result = run(moved, "--out", folder / "new", *CHEAP, "--unless-steady", folder / "model")
    assert result.exit_code == 0
    assert "features drifted" in result.stdout
    assert (folder / "new").exists()


@pytest.mark.parametrize(
    "broken", ["absent", "folder", "no parquet", "other columns", "few", "detector", "old model", "out"]
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(trained, tmp_path, broken):
    source, out, more = trained[0], tmp_path / "m", list(CHEAP)
    if broken == "absent":
        source = tmp_path / "accounts.parquet"
    elif broken == "folder":
        source = tmp_path
    elif broken == "no parquet":
        source = tmp_path / "accounts.parquet"
        source.write_bytes(b"no parquet at all")
    elif broken == "other columns":
        source = tmp_path / "accounts.parquet"
        pl.DataFrame({"account_id": ["a"]}).write_parquet(source)
    elif broken == "few":
        source = written(tmp_path / "accounts.parquet", 20)
    elif broken == "detector":
        more = ["--detectors", "oracle"]
    elif broken == "old model":
        (tmp_path / "old").write_bytes(b"\x80\x04K\x01.")
        more += ["--unless-steady", str(tmp_path / "old")]
    else:
        out = tmp_path / "nowhere" / "m"
    result = run(source, "--out", out, *more)
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stderr.startswith("revenuer train: ")
    assert not out.exists()


def test_other_commands_do_not_wait_for_the_detectors():
    code = "import sys, detector.cli; print([m for m in ('pyod', 'torch', 'matplotlib') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"
