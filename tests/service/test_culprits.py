"""The stolen key is named, and its victim is let go; where keys do not differ, the account is meant."""

import json
import zlib
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

from detector.cli import app
from detector.profiles.layout import Columns
from detector.service.culprits import KINDS, Culprits
from detector.service.looks import Taken
from detector.service.tallies import LEAST, REST, Tally, few, split
from detector.simulator import world as worlds
from detector.simulator.generate import write
from detector.simulator.world import load_world


def test_a_key_that_carries_what_the_others_do_not_is_told():
    nats, names = split({"stolen": Tally(40, 2), "a": Tally(0, 30), "b": Tally(1, 25)})
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
    assert split(tallies) == (0.0, [])


def test_several_users_of_a_reseller_are_told_together():
    tallies = {f"u{i}": Tally(0, 9) for i in range(200)} | {f"x{i}": Tally(30, 1) for i in range(5)}
    assert split(tallies)[1] == [f"x{i}" for i in range(5)]


@pytest.mark.parametrize("seed", range(5))
def test_one_rate_is_hardly_ever_taken_for_two(seed):
    rng = np.random.default_rng(seed)
    told = 0
    for _ in range(400):
        n = rng.integers(5, 60, 8)
        hits = rng.binomial(n, rng.uniform(0.1, 0.9))
        told += bool(
            split({f"k{i}": Tally(int(h), int(m - h)) for i, (h, m) in enumerate(zip(hits, n, strict=True))})[1]
        )
    assert told <= 1


def test_what_is_forgotten_is_not_counted():
    watched = Culprits(alert={3: "alr"}, since={3: 0}, seen={3: {}}, asked={3: 0}, touched={3})
    watched.forget(3)
    assert (watched.alert, watched.since, watched.seen, watched.asked, watched.touched) == ({}, {}, {}, {}, set())


HOUR = 3_600_000_000
THIEF, OWN = 11, 12  # texts


def columns(slots, texts, ts, keys=None, users=None):
    """Exchanges with a system prompt each; columns that nobody reads here are left out."""
    n = len(slots)
    blank = dict.fromkeys(Columns._fields, np.zeros(n, np.uint64))
    hashed = {"key": keys or ["k"] * n, "end_user": users or ["u"] * n}
    names = pl.DataFrame({"api_key_id": hashed["key"], "end_user_id": hashed["end_user"]})
    blank |= {name: np.array([1 + zlib.crc32(v.encode()) for v in of], np.uint64) for name, of in hashed.items()}
    blank |= {"slot": np.array(slots, np.int32), "ts": np.array(ts, np.int64)}
    blank |= {"system": np.array(texts, np.uint64) << np.uint64(32), "prefix": np.zeros(n, np.uint32)}
    return Taken(Columns(**blank | {"suffix": np.zeros(n, np.uint32)}), 0, n, names)


def seen_at(now, slots, keyed=0, used=0):
    """What a look says of accounts that hold the text: exchanges of others than the heaviest key and user."""
    n = len(slots)
    links = SimpleNamespace(
        texts_of=lambda held: (np.array([0]), np.array([held.size])),
        holders=np.array([n]),
        key=np.zeros(n, np.int64),
        short=lambda _: THIEF,
        of=lambda held: (np.arange(held.size), np.arange(held.size)),
    )
    each = SimpleNamespace(keyed=np.full(n, keyed), used=np.full(n, used), key=np.zeros(n), user=np.zeros(n))
    return SimpleNamespace(slots=np.array(slots, np.int32), links=links, each=each, now=now)


def news(watched, now=HOUR):
    return [(slot, [n.id for n in found]) for _, slot, found in watched.news(lambda _: True, now)]


def test_who_shows_the_text_is_counted_before_he_is_a_member_and_told_when_it_is_over():
    watched = Culprits()
    watched.learn("alr", np.array([1, 2, 3], np.int32), seen_at(0, [1, 2, 3]))
    n = 15
    texts, keys = [THIEF] * n + [OWN] * n, ["stolen"] * n + ["own"] * n
    watched.count([columns([9] * 2 * n, texts, range(1, 2 * n + 1), keys=keys)])
    # By now the thief has gone.
    assert watched.learn("alr", np.array([2, 3, 9], np.int32), seen_at(HOUR, [2, 3, 9], keyed=5)) == [9]
    assert news(watched) == [(9, ["stolen"])]


def test_a_member_with_several_keys_is_in_doubt_until_the_text_comes_again():
    watched = Culprits()
    assert watched.learn("alr", np.array([1, 2], np.int32), seen_at(0, [1, 2])) == []  # one key: no doubt
    doubted = watched.learn("alr", np.array([5, 6], np.int32), seen_at(0, [5, 6], keyed=5))
    assert doubted == [5, 6]
    watched.count([columns([5] * 30, [OWN] * 30, range(1, 31), keys=["b"] * 30)])
    assert news(watched) == []  # over: nobody is bound
    watched.count([columns([6] * 2, [THIEF] * 2, [31, 32], keys=["a", "b"])])
    assert news(watched) == [(6, [])]  # both keys carry it: it is the account
    watched.count([columns([5] * LEAST, [THIEF] * LEAST, range(40, 40 + LEAST), keys=["a"] * LEAST)])
    assert news(watched) == [(5, ["a"])]


def test_invented_end_users_put_nothing_off():
    watched = Culprits()
    watched.learn("alr", np.array([5], np.int32), seen_at(0, [5], used=5))
    watched.count([columns([5] * 2, [THIEF] * 2, [1, 2], users=["u1", "u2"])])
    assert news(watched) == [(5, [])]


def test_nothing_is_said_of_an_alert_that_is_not_acted_on_and_all_of_it_afterwards():
    watched = Culprits()
    watched.learn("alr", np.array([5], np.int32), seen_at(0, [5], keyed=5))
    watched.count([columns([5] * 30, [THIEF] * 15 + [OWN] * 15, range(1, 31), keys=["x"] * 15 + ["y"] * 15)])
    assert list(watched.news(lambda _: False, HOUR)) == []
    assert news(watched) == [(5, ["x"])]


def test_an_end_user_is_bound_while_few_carry_the_text_and_as_many_lasting_ones_do_not():
    day = 24 * HOUR
    carry, cover = Tally(20, 0, 1, day), Tally(0, 20, 1, 2 * day)
    assert few({"x": carry, "u": cover}, ["x"], day)
    assert not few({"x": carry, "u": cover._replace(last=day // 2)}, ["x"], day)  # came and went
    assert not few({"x1": carry, "x2": carry, "u": cover}, ["x1", "x2"], day)  # more of them than of the others
    many = {f"x{i}": carry for i in range(6)}
    assert not few(many | {f"u{i}": cover for i in range(50)}, list(many), day)


def test_cover_that_comes_and_goes_frees_an_account_for_some_days_at_most():
    watched = Culprits()
    watched.learn("alr", np.array([5], np.int32), seen_at(0, [5]))
    texts, users = [THIEF] * 20 + [OWN] * 20, ["x"] * 20 + ["u1"] * 10 + ["u2"] * 10
    watched.count([columns([5] * 40, texts, range(1, 41), users=users)])
    told = [list(watched.news(lambda _: True, at)) for at in (HOUR, 2 * HOUR, 80 * HOUR, 81 * HOUR)]
    assert [[n.alone for _, _, found in each for n in found] for each in told] == [[True], [], [False], []]


def test_who_comes_when_too_many_are_known_is_nobody_to_be_bound():
    crowd = {f"u{i}": Tally(0, 1) for i in range(256)}
    watched = Culprits()
    watched.learn("alr", np.array([5], np.int32), seen_at(0, [5]))
    watched.seen[5]["end_user"] = dict(crowd)
    watched.count([columns([5] * 40, [THIEF] * 40, range(1, 41), users=[f"x{i % 20}" for i in range(40)])])
    assert watched.seen[5]["end_user"][REST].carrying == 40
    assert news(watched) == [(5, [])]


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
    alone = {account for account, (first, *_) in named.items() if first["alone"]}
    assert not bound & alone
    for account, culprits in named.items():
        ((kind, key),) = [(c["kind"], c["id"]) for c in culprits]
        column = KINDS[kind]
        attacks = log.filter((pl.col("account_id") == account) & pl.col("ts").is_in(truth["attack_times"][account]))
        assert (attacks[column] == key).mean() > 0.9
        assert (log.filter(pl.col("account_id") == account)[column] != key).any()
        if account not in keys | alone:  # a client may call its users what it likes
            continue
        (own,) = [a for a in alerts if a["recommendation"]["subject"]["id"] == key]
        assert own["recommendation"]["subject"] == {"kind": kind, "id": key, "accounts": [account]}
        assert own["recommendation"]["action"] == ("rotate_key" if kind == "api_key" else "suspend")
        assert own["recommendation"]["limits"]
        assert own["evidence"]["cluster"] == cluster["id"]
    lines = (stolen / "requests.ndjson").read_bytes().splitlines(keepends=True)
    for name, part in (("a", lines[: len(lines) // 2]), ("b", lines[len(lines) // 2 :])):
        (tmp_path / f"{name}.ndjson").write_bytes(b"".join(part))
    cut = replayed(stolen, [tmp_path / "a.ndjson", tmp_path / "b.ndjson"], tmp_path / "two")
    assert [(a["id"], a["detected_at"], a["evidence"].get("culprits")) for a in cut] == [
        (a["id"], a["detected_at"], a["evidence"].get("culprits")) for a in alerts
    ]
