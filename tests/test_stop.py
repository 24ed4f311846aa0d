"""How a command ends: one line, 2 where it was used wrongly, 1 where the system refuses."""

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from detector.cli import app
from detector.stop import failing

LINE = '{"ts": 1780000000, "request_id": "r", "account_id": "a", "model": "m"}\n'


def run(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.mark.parametrize("file", ["run.json", "accounts.parquet", "report.html", "dead_letter.ndjson"])
def test_a_full_disk_is_a_failure_that_names_the_folder(tmp_path, file):
    log, out = tmp_path / "log.ndjson", tmp_path / "out"
    log.write_text(LINE + "no json\n")
    out.mkdir()
    (out / file).symlink_to("/dev/full")
    done = run("replay", log, "--out", out)
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"revenuer: {out}: ")
    assert "No space left on device" in done.stderr or "is the disk full?" in done.stderr


@pytest.mark.parametrize("file", ["requests.ndjson", "accounts.ndjson"])
def test_simulate_on_a_full_disk(tmp_path, file):
    (tmp_path / file).symlink_to("/dev/full")
    done = run("simulate", "tiny", "--out", tmp_path, "--scale", "0.01")
    assert (done.exit_code, done.stderr) == (1, f"revenuer: {tmp_path}: No space left on device\n")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("demo", "--out", "/proc/x"), "/proc/x: No such file or directory"),
        (("simulate", "tiny", "--out", "/proc/x"), "/proc/x: No such file or directory"),
        (("serve", "--data", "/proc/x"), "/proc/x: No such file or directory"),
        (("replay", "LOG", "--out", "/proc/x"), "/proc/x: No such file or directory"),
        (("replay", "LOG", "--out", "OUT", "--reference", "nope.json"), "nope.json: No such file or directory"),
        (("calibrate", "LOG", "--out", "/nope/x.json"), "/nope: no such folder"),
        (("train", "LOG", "--out", "/nope/x"), "/nope: no such folder"),
    ],
)
def test_misuse_is_one_line(tmp_path, args, said):
    log = tmp_path / "log.ndjson"
    log.write_text(LINE)
    places = {"LOG": log, "OUT": tmp_path / "out"}
    done = run(*(places.get(arg, arg) for arg in args))
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].endswith(f": {said}")
    assert len(done.stderr.splitlines()) == 1


def test_broken_settings_end_the_demo(monkeypatch):
    monkeypatch.setenv("REVENUER_TICK_S", "abc")
    done = run("demo")
    assert done.exit_code == 2
    assert "tick_s" in done.stderr.lower()
    assert len(done.stderr.splitlines()) == 1


def test_a_seed_is_not_negative(tmp_path):
    assert run("simulate", "tiny", "--out", tmp_path, "--seed", "-5").exit_code == 2


def test_a_mistake_of_ours_is_shown_as_one(tmp_path):
    with pytest.raises(pl.exceptions.ColumnNotFoundError), failing(tmp_path):
        pl.DataFrame({"a": [1]}).select("b")
    with pytest.raises(typer.Exit), failing(tmp_path):
        raise typer.Exit
