"""Whether the reference fits: near nothing on benign traffic of its own kind, and not on other traffic."""

import numpy as np
import polars as pl
import pytest

from detector.config import Settings
from detector.scoring.reference import load_reference
from detector.service import steady
from detector.service.http.metrics import Metrics
from detector.service.replay import make_engine
from detector.service.steady import Steadiness, calibration_error, drift
from detector.simulator.generate import write
from detector.simulator.world import load_world
from streams.accounts import read_accounts
from streams.sources.files import FileSource


def test_p_values_that_mean_what_they_say_are_no_error():
    assert calibration_error(np.linspace(0.001, 1, 1000)) == pytest.approx(0, abs=0.005)
    assert calibration_error(np.full(1000, 0.5)) == 0
    assert calibration_error(np.where(np.arange(1000) < 300, 0.04, 0.9)) == pytest.approx(0.25)
    assert calibration_error(np.zeros(10)) == 0, "of a few accounts nothing can be said"


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    write(load_world("tiny"), folder)
    made = make_engine(Settings(hash_key=7), read_accounts(folder / "accounts.ndjson"), None)
    for batch in FileSource([folder / "requests.ndjson"]).batches():
        made.process(batch.frame)
    return made


def shown(metrics):
    lines = (line.split() for line in metrics.exposition().decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines if name in {"revenuer_drift", "revenuer_calibration_error"}}


def test_the_simulators_traffic_is_what_the_reference_was_measured_on(engine, monkeypatch):
    monkeypatch.setattr(steady, "_LEAST", 100)
    metrics = Metrics()
    Steadiness(engine, metrics).look()
    found = shown(metrics)
    assert found["revenuer_drift"] < 0.2
    assert found["revenuer_calibration_error"] < 0.2


def test_features_that_left_the_reference_behind_are_counted():
    reference = load_reference()
    features = [
        f for f in reference.quantiles["account_window"]["all"] if reference.quantile("account_window", "all", f, "p90")
    ]
    limits = {f: reference.quantile("account_window", "all", f, "p90") for f in features}
    ordinary = pl.DataFrame({f: np.linspace(0, limit * 1.1, 1000) for f, limit in limits.items()})
    assert drift(ordinary, reference) == 0
    moved = ordinary.with_columns(pl.col(features[: len(features) // 2]) * 3)
    assert drift(moved, reference) == pytest.approx(0.5, abs=0.05)
