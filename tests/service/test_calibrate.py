"""A reference of one's own: the stated rate holds on another quiet world, attackers in it from the first day or not."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from scipy import stats
from typer.testing import CliRunner

from detector.cli import app
from detector.profiles.capability import CapabilityModel
from detector.profiles.columns import Keys
from detector.profiles.events import EventTracker
from detector.profiles.facts import AccountBook
from detector.scoring.anomaly.model import AnomalyModel, packaged
from detector.scoring.reference import load_reference
from detector.scoring.rules import load_rules
from detector.scoring.scorer import ACCOUNT, CLUSTER
from detector.service.calibration import Highest, run, scorer_of
from detector.service.ticks import Clock
from detector.simulator import world as worlds
from detector.simulator.generate import write
from detector.simulator.world import load_world
from streams.accounts import read_accounts, read_events
from streams.sources.files import FileSource

SCALE = 0.085
# Three tenths of the first day's exchanges, half of those of the next two days.
HOSTILE = {
    "cards": {"kind": "reasoning_hydra", "accounts": 300, "per_day": 66, "days": 3},
    "tasks": {"kind": "wrapper_hydra", "accounts": 300, "per_day": 60, "days": 3},
    "graders": {"kind": "judge_farm", "accounts": 200, "per_day": 66, "days": 3},
    "injected": {"kind": "fixed_prompt", "accounts": 150, "per_day": 80, "days": 3},
}
STRANGE = "strange"
# A week of looks every five minutes, in each of a dozen runs, is most of what these tests would take. What is stated holds for any
# clock that is the same where it is measured and where it is tried.
TICK_S, COORDINATION_TICKS = 3600, 3
ENV = {
    "REVENUER_HASH_KEY": "12345",
    "REVENUER_TICK_S": str(TICK_S),
    "REVENUER_COORDINATION_TICKS": str(COORDINATION_TICKS),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folders: a quiet world, the same with attackers from the first day, and another quiet one."""
    root = tmp_path_factory.mktemp("worlds")
    quiet = yaml.safe_load((Path(worlds.__file__).parent / "worlds" / "quiet.yml").read_text())
    (root / "dirty.yml").write_text(yaml.safe_dump(quiet | {"campaigns": HOSTILE}))
    write(load_world("quiet"), root / "clean", 9101, SCALE)
    write(load_world(str(root / "dirty.yml")), root / "dirty", 9101, SCALE)
    write(load_world("quiet"), root / "other", 9102, SCALE)
    return root


def calibrated(folder, out, *more):
    args = ["calibrate", str(folder / "requests.ndjson"), "--accounts", str(folder / "accounts.ndjson")]
    result = CliRunner().invoke(app, [*args, "--out", str(out), "--json", *more], env=ENV)
    assert result.exit_code == 0, result.output
    return json.loads(result.output.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def clean(made):
    return calibrated(made / "clean", made / "clean.json")


@pytest.fixture(scope="module")
def dirty(made):
    return calibrated(made / "dirty", made / "dirty.json")


def highest(folder, reference):
    """p-values of the highest scores of all accounts, of all clusters, and of all accounts in their strangest moment, of a folder."""
    keys = Keys(11, 22)
    book = AccountBook(read_accounts(folder / "accounts.ndjson"), keys.identity)
    engine = Highest(
        scorer_of(load_rules(), reference, AnomalyModel.load(packaged())),
        CapabilityModel.load(),
        keys,
        book,
        EventTracker(read_events(folder / "events.ndjson")),
        clock=Clock(TICK_S * 1_000_000, COORDINATION_TICKS),
    )
    run(engine, lambda: (batch.frame for batch in FileSource([folder / "requests.ndjson"]).batches()))
    scores = {
        ACCOUNT: engine.accounts_high[: len(engine.store)],
        CLUSTER: np.array([high for high, _ in engine.clusters_high.values()]),
    }
    null = reference.null
    p = {c: np.array([1.0 if s <= 0 else null[c].p_value(float(s)) for s in each]) for c, each in scores.items()}
    least = np.ones(len(engine.store))
    for stratum, high in engine.strangest.items():
        here = np.flatnonzero(np.isfinite(high))
        least[here] = np.minimum(least[here], reference.anomaly.weeks[stratum].p_values(high[here]))
    return p | {STRANGE: least}


def hostile_share(folder):
    log = pl.read_ndjson(folder / "requests.ndjson", infer_schema_length=None)
    day = log.filter(pl.col("ts") < log["ts"].min() + 86_400)
    truth = json.loads((folder / "truth.json").read_text())
    named = {a for accounts in truth["campaigns"].values() for a in accounts}
    return day["account_id"].is_in(named).mean()


@pytest.mark.usefixtures("clean", "dirty")
@pytest.mark.parametrize("name", ["clean", "dirty"])
def test_the_stated_rate_holds_on_another_quiet_world(made, name):
    assert hostile_share(made / "dirty") > 0.3
    p = highest(made / "other", load_reference(made / f"{name}.json"))
    for category in (ACCOUNT, CLUSTER, STRANGE):
        n = p[category].size
        for level in (0.05, 0.01, 0.002):
            # Two samples are compared, one of which set the level: their errors add up.
            worst = stats.binom.ppf(0.999, n, min(1.0, 1.5 * level))
            assert (p[category] <= level).sum() <= worst, (category, level)


def test_attackers_are_left_out_and_are_found_with_what_was_measured_beside_them(made, clean, dirty):
    truth = json.loads((made / "dirty" / "truth.json").read_text())
    named = {a for accounts in truth["campaigns"].values() for a in accounts}
    assert dirty["left_out"] - clean["left_out"] > 0.8 * len(named)
    folder = made / "dirty"
    args = [
        "replay",
        str(folder / "requests.ndjson"),
        "--accounts",
        str(folder / "accounts.ndjson"),
        "--out",
        str(made / "found"),
    ]
    result = CliRunner().invoke(app, [*args, "--reference", str(made / "dirty.json")], env=ENV)
    assert result.exit_code == 0, result.output
    alerts = [json.loads(line) for line in (made / "found" / "alerts.ndjson").read_text().splitlines()]
    found = {a for alert in alerts if alert["severity"] in {"high", "critical"} for a in alert["accounts"]}
    assert len(found & named) >= 0.9 * len(named)


@pytest.mark.usefixtures("dirty")
def test_one_person_cannot_teach_the_reference_that_an_attack_is_benign_and_two_only_so_far(made, tmp_path):
    truth = json.loads((made / "dirty" / "truth.json").read_text())
    victims = [a for accounts in truth["campaigns"].values() for a in accounts]

    def labelled(*actors):
        path = tmp_path / "labels.ndjson"
        path.write_text(
            "\n".join(json.dumps({"subject": a, "label": "benign", "actor": who}) for a in victims for who in actors)
        )
        told = calibrated(made / "dirty", tmp_path / "labelled.json", "--labels", str(path))
        return told, (tmp_path / "labelled.json").read_bytes()

    told, alone = labelled("mallory")
    assert (told["let_in"], told["kept_out"]) == (0, 0)
    assert alone == (made / "dirty.json").read_bytes()
    told, _ = labelled("mallory", "trent")
    assert told["let_in"] <= 0.005 * sum(told["entities"].values())
    assert told["kept_out"] > 0.8 * len(victims)


def test_too_few_accounts_are_refused_in_a_line(tmp_path):
    write(load_world("tiny"), tmp_path, None, 0.3)
    result = CliRunner().invoke(
        app, ["calibrate", str(tmp_path / "requests.ndjson"), "--out", str(tmp_path / "r.json")], env=ENV
    )
    assert result.exit_code == 2
    assert "too few" in result.output
    assert not (tmp_path / "r.json").exists()
