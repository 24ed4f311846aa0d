"""Crude methods on worlds in which they must succeed, and on worlds in which they must fail."""

import gzip

import msgspec
import numpy as np
import polars as pl
import pytest

from detector.evaluation.baselines import TREE, run_baselines
from detector.evaluation.inputs import InputError, Truth
from detector.evaluation.log import RequestLog, read_payments
from detector.evaluation.population import populate
from detector.evaluation.shared_keys import flag_groups
from detector.evaluation.tree import kind_of
from detector.evaluation.volume import daily_peaks, flag_heaviest

CAMPAIGNS = {"alpha_1": range(10), "alpha_2": range(10, 16), "beta": range(16, 26)}
HOSTILE = {f"acct-{number:03}" for members in CAMPAIGNS.values() for number in members}
TRUTH = Truth(campaigns={name: [f"acct-{number:03}" for number in members] for name, members in CAMPAIGNS.items()})


def exchanges(giveaway, accounts=200):
    """Six exchanges an account; with a give-away, hostile ones alone ask for a temperature of .42."""
    rng = np.random.default_rng(7)
    for number in range(accounts):
        account = f"acct-{number:03}"
        for turn in range(6):
            record = {
                "ts": 1_000_000 + 3_600 * turn + number,
                "request_id": f"{number}-{turn}",
                "account_id": account,
                "model": "m",
                "input_tokens": int(rng.integers(10, 900)),
                "output_tokens": int(rng.integers(10, 900)),
                "temperature": float(rng.choice([0.0, 0.7, 1.0])),
                "ip": f"10.{number}.0.1",
                "system_prompt": f"prompt of {account}",
            }
            yield record | ({"temperature": 0.42} if giveaway and account in HOSTILE else {})


def write(path, records):
    raw = b"\n".join(map(msgspec.json.encode, records)) + b"\n"
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


def figures(path, payments=None):
    log = RequestLog(path)
    return run_baselines(log, payments, populate(TRUTH, log.traffic(), []))


def test_the_tree_finds_a_give_away_in_a_kind_it_never_saw(tmp_path):
    tree = figures(write(tmp_path / "requests.ndjson", exchanges(giveaway=True)))[TREE]
    assert tree.recall == {"alpha_1": 1.0, "alpha_2": 1.0, "beta": 1.0}
    assert tree.auc == {"alpha": 1.0, "beta": 1.0}
    assert tree.benign_flagged_share == 0.0
    assert tree.fields["beta"] == ["temperature"]


def test_the_tree_fails_where_there_is_no_give_away(tmp_path):
    tree = figures(write(tmp_path / "requests.ndjson", exchanges(giveaway=False)))[TREE]
    assert tree.account_recall < 0.35
    assert max(tree.auc.values()) < 0.7


def test_the_tree_is_left_out_with_one_kind_of_campaign(tmp_path):
    log = RequestLog(write(tmp_path / "requests.ndjson", exchanges(giveaway=True)))
    truth = Truth(campaigns={"alpha_1": ["acct-1"], "alpha_2": ["acct-2"]})
    assert TREE not in run_baselines(log, None, populate(truth, log.traffic(), []))


@pytest.mark.parametrize(
    ("campaign", "kind"), [("fixed_prompt", "fixed_prompt"), ("pool-2", "pool"), ("pool_13", "pool"), ("7", "7")]
)
def test_a_trailing_number_is_no_kind(campaign, kind):
    assert kind_of(campaign) == kind


def test_groups_join_over_chains_of_keys_and_over_kinds():
    def pairs(*rows):
        schema = {"account_id": pl.String, "key": pl.UInt64, "since": pl.Float64}
        return pl.DataFrame(rows, schema=schema, orient="row")

    cards = pairs(("a", 1, 10.0), ("b", 1, 20.0), ("c", 2, 0.0), ("x", 3, 0.0), ("d", 1, 90.0))
    networks = pairs(("b", 1, 40.0), ("c", 1, 30.0), ("x", 9, 0.0), ("y", 9, None))
    flagged = flag_groups({"payment": cards, "network /24": networks})
    assert flagged["shared payment"] == {"a": 90.0, "b": 90.0, "d": 90.0}
    assert flagged["shared network /24"] == {}
    # b and c meet at 40, which makes three with a; d comes later.
    assert flagged["shared keys, all"] == {"a": 40.0, "b": 40.0, "c": 40.0, "d": 90.0}


def test_shared_keys_come_from_the_log_and_the_accounts_file(tmp_path):
    records = [record | {"ip": "192.0.2.7"} for record in exchanges(giveaway=False) if record["account_id"] in HOSTILE]
    others = [record for record in exchanges(giveaway=False) if record["account_id"] not in HOSTILE]
    accounts = [
        {"account_id": f"acct-{number:03}", "payment_fingerprint": f"pm-{number // 50}"} for number in range(500)
    ]
    payments = read_payments(write(tmp_path / "accounts.ndjson", accounts))
    result = figures(write(tmp_path / "requests.ndjson", records + others), payments)
    assert result["shared network /24"].account_recall == 1.0
    assert result["shared network /24"].benign_flagged_share == 0.0
    assert result["shared system prompt"].account_recall == 0.0
    assert result["shared payment"].benign_flagged_share == 1.0


def test_the_heaviest_day_counts_not_the_total(tmp_path):
    steady = [{"ts": day * 86_400.0, "account_id": "steady", "input_tokens": 10} for day in range(50)]
    burst = [{"ts": 60.0 + second, "account_id": "burst", "input_tokens": 1} for second in range(9)]
    peaks = daily_peaks(RequestLog(write(tmp_path / "requests.ndjson", steady + burst)))
    assert peaks.to_dicts() == [
        {"account_id": "burst", "requests": 9.0, "tokens": 9.0},
        {"account_id": "steady", "requests": 1.0, "tokens": 10.0},
    ]
    flagged = flag_heaviest(peaks)
    assert flagged["daily requests ≥ p99"] == {"burst"}
    assert flagged["daily tokens ≥ p99"] == {"steady"}


def test_gzip_and_parquet_give_the_same_figures(tmp_path):
    records = list(exchanges(giveaway=True, accounts=40))
    plain = figures(write(tmp_path / "requests.ndjson", records))
    assert figures(write(tmp_path / "requests.ndjson.gz", records)) == plain
    frame = pl.DataFrame(records).with_columns(pl.from_epoch("ts").dt.replace_time_zone("UTC"))
    frame.write_parquet(tmp_path / "requests.parquet")
    assert figures(tmp_path / "requests.parquet") == plain


def test_both_spellings_of_time_and_broken_lines(tmp_path):
    path = tmp_path / "requests.ndjson"
    path.write_text(
        '{"account_id": "a", "ts": "1970-01-02T00:00:00Z"}\nnot json\n{"account_id": "b", "ts": 259200}\n[1]\n'
        '{"ts": 999999999}\n{"account_id": "c", "ts": "no time"}\n'
    )
    log = RequestLog(path)
    traffic = log.traffic()
    assert log.skipped == 2
    assert traffic.accounts == {"a", "b", "c"}
    assert traffic.days == pytest.approx(2.0)


def test_a_log_without_exchanges_is_an_error(tmp_path):
    path = tmp_path / "requests.ndjson"
    path.write_text("nothing\n")
    with pytest.raises(InputError, match=r"requests\.ndjson: no exchange"):
        RequestLog(path)
