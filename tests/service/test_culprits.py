"""The stolen key is named, and its victim is let go; where keys do not differ, the account is meant."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

from detector.cli import app
from detector.service.culprits import KINDS, LEAST, Culprits, Tally, _split
from detector.simulator import world as worlds
from detector.simulator.generate import write
from detector.simulator.world import load_world


def test_a_key_that_carries_what_the_others_do_not_is_told():
    nats, names = _split({"stolen": Tally(40, 2), "a": Tally(0, 30), "b": Tally(1, 25)})
    assert nats > 0
    assert names == ["stolen"]


@pytest.mark.parametrize(
    "tallies",
    [
        {"only": Tally(400, 20)},
        {"a": Tally(LEAST - 1, 0), "b": Tally(0, 90)},  # too little to say
        {
            "a": Tally(200, 40),
            "b": Tally(190, 45),
            "c": Tally(95, 20),
        },  # an attacker's own account, whatever key it uses
        {"a": Tally(50, 0), "b": Tally(60, 0)},
    ],
)
def test_where_keys_do_not_differ_nobody_is(tallies):
    assert _split(tallies) == (0.0, [])


def test_several_users_of_a_reseller_are_told_together():
    tallies = {f"u{i}": Tally(0, 9) for i in range(200)} | {f"x{i}": Tally(30, 1) for i in range(5)}
    assert _split(tallies)[1] == [f"x{i}" for i in range(5)]


@pytest.mark.parametrize("seed", range(5))
def test_one_rate_is_hardly_ever_taken_for_two(seed):
    rng = np.random.default_rng(seed)
    told = 0
    for _ in range(400):
        n = rng.integers(5, 60, 8)
        hits = rng.binomial(n, rng.uniform(0.1, 0.9))
        told += bool(
            _split({f"k{i}": Tally(int(h), int(m - h)) for i, (h, m) in enumerate(zip(hits, n, strict=True))})[1]
        )
    assert told <= 1


def test_what_is_forgotten_is_not_counted():
    watched = Culprits(alert={3: "alr"}, since={3: 0}, seen={3: {}}, asked={3: 0}, touched={3})
    watched.forget(3)
    assert (watched.alert, watched.since, watched.seen, watched.asked, watched.touched) == ({}, {}, {}, {}, set())


@pytest.fixture(scope="module")
def stolen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stolen")
    quiet = yaml.safe_load((Path(worlds.__file__).parent / "worlds" / "quiet.yml").read_text())
    keys = {"kind": "stolen_key", "accounts": 120, "per_day": 120, "start_day": 1, "days": 5}
    (folder / "world.yml").write_text(yaml.safe_dump(quiet | {"campaigns": {"key": keys}}))
    write(load_world(str(folder / "world.yml")), folder, 6102, 0.1)
    return folder


def replayed(folder, logs, out):
    args = ["replay", *map(str, logs), "--accounts", str(folder / "accounts.ndjson"), "--out", str(out)]
    result = CliRunner().invoke(app, args, env={"REVENUER_HASH_KEY": "12345", "REVENUER_TICK_S": "600"})
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in (out / "alerts.ndjson").read_text().splitlines()]


def test_the_thief_s_key_is_bound_and_not_its_victim_however_the_log_is_cut(stolen, tmp_path):
    alerts = replayed(stolen, [stolen / "requests.ndjson"], tmp_path / "one")
    (cluster,) = [a for a in alerts if a["severity"] in {"high", "critical"} and a["kind"] == "cluster"]
    named = cluster["evidence"]["culprits"]
    log = pl.read_ndjson(stolen / "requests.ndjson", infer_schema_length=None)
    truth = json.loads((stolen / "truth.json").read_text())
    assert named
    tiers = {}
    for line in (stolen / "accounts.ndjson").read_text().splitlines():
        tiers[json.loads(line)["account_id"]] = json.loads(line).get("tier") or "unknown"
    for each in alerts:
        made = each["recommendation"]
        assert made["blast_radius"]["revenue_tier_mix"] == dict(Counter(tiers[a] for a in made["subject"]["accounts"]))
    bound = set(cluster["recommendation"]["subject"]["accounts"])
    keys = {account for account, (first, *_) in named.items() if first["kind"] == "api_key"}
    assert keys
    assert not bound & keys
    for account, culprits in named.items():
        ((kind, key),) = [(c["kind"], c["id"]) for c in culprits]
        column = KINDS[kind]
        attacks = log.filter((pl.col("account_id") == account) & pl.col("ts").is_in(truth["attack_times"][account]))
        assert (attacks[column] == key).mean() > 0.9
        assert (log.filter(pl.col("account_id") == account)[column] != key).any()
        if account not in keys:  # a client may call its users what it likes
            continue
        (own,) = [a for a in alerts if a["recommendation"]["subject"]["id"] == key]
        assert own["recommendation"]["subject"] == {"kind": kind, "id": key, "accounts": [account]}
        assert own["recommendation"]["action"] == "rotate_key"
        assert own["recommendation"]["limits"]
        assert own["evidence"]["cluster"] == cluster["id"]
    lines = (stolen / "requests.ndjson").read_bytes().splitlines(keepends=True)
    for name, part in (("a", lines[: len(lines) // 2]), ("b", lines[len(lines) // 2 :])):
        (tmp_path / f"{name}.ndjson").write_bytes(b"".join(part))
    cut = replayed(stolen, [tmp_path / "a.ndjson", tmp_path / "b.ndjson"], tmp_path / "two")
    assert [(a["id"], a["detected_at"], a["evidence"].get("culprits")) for a in cut] == [
        (a["id"], a["detected_at"], a["evidence"].get("culprits")) for a in alerts
    ]
