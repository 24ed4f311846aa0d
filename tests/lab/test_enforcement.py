import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_logs import log, order

from detector.evaluation.inputs import Truth
from detector.simulator.lab.enforcement import in_full, passed, read_log, refused_share, spread
from detector.simulator.lab.orders import Limit, Order, Step

DAY = 86_400


def test_shadow_refuses_nothing():
    assert passed(log((0, "a", 1, "x"), (9, "a", 1, "x")), [order({"a": 0.0})], "shadow").all()


def test_suspend_refuses_from_the_moment_of_naming():
    exchanges = log((1, "a", 1, "x"), (5, "a", 1, "x"), (5, "b", 1, ""), (6, "a", 1, "x"))
    assert passed(exchanges, [order({"a": 5.0})], "suspend").tolist() == [True, False, True, False]


def test_degrade_refuses_nothing_and_answers_in_full_until_the_naming():
    exchanges = log((1, "a", 1, "x"), (5, "a", 1, "x"), (5, "b", 1, ""), (6, "a", 1, "x"))
    orders = [order({"a": 5.0}, [("requests", 0, DAY)])]
    assert passed(exchanges, orders, "degrade").all()
    assert in_full(exchanges, orders, "degrade").tolist() == [True, False, True, False]


@pytest.mark.parametrize("mode", ["shadow", "throttle", "suspend"])
def test_other_modes_answer_in_full_or_not_at_all(mode):
    exchanges = log(*((t, "a", 1, "x") for t in range(6)))
    orders = [order({"a": 2.0}, [("requests", 1, 2)])]
    assert (in_full(exchanges, orders, mode) == passed(exchanges, orders, mode)).all()


def test_the_first_of_several_namings_counts():
    exchanges = log((1, "a", 1, "x"), (5, "a", 1, "x"))
    assert passed(exchanges, [order({"a": 9.0}), order({"a": 2.0})], "suspend").tolist() == [True, False]


def test_a_throttled_cluster_shares_one_quota():
    exchanges = log(*((t, account, 1, "x") for t in range(4) for account in "ab"))
    orders = [order({"a": 0.0, "b": 0.0}, [("requests", 3, DAY)])]
    assert passed(exchanges, orders, "throttle").sum() == 3


def test_a_quota_comes_back_with_the_next_window():
    exchanges = log(*((t * DAY / 2, "a", 1, "x") for t in range(6)))
    assert passed(exchanges, [order({"a": 0.0}, [("requests", 1, DAY)])], "throttle").tolist() == [True, False] * 3


def test_tokens_run_out_too_and_refused_answers_use_none():
    exchanges = log((0, "a", 60, "x"), (1, "a", 60, "x"), (2, "a", 60, "x"))
    orders = [order({"a": 0.0}, [("requests", 9, DAY), ("output_tokens", 100, DAY)])]
    assert passed(exchanges, orders, "throttle").tolist() == [True, True, False]


@pytest.mark.parametrize("mode", ["throttle", "degrade", "suspend"])
def test_nobody_is_bound_before_it_was_told_nor_after_it_was_taken_back(mode):
    exchanges = log(*((t, account, 1, "x") for t in range(6) for account in "ab"))
    limits = (Limit("requests", 0, DAY),)
    told = Order([Step(1, frozenset("a"), limits), Step(2, frozenset("ab"), limits), Step(4, frozenset("b"), limits)])
    full = in_full(exchanges, [told], mode).reshape(-1, 2).T.tolist()
    assert full == [[True, False, False, False, True, True], [True, True, False, False, False, False]]


def test_a_quota_that_was_renewed_holds_from_then_on():
    exchanges = log(*((t, "a", 1, "x") for t in range(8)))
    first, then = ((Limit("requests", quota, 4),) for quota in (1, 3))
    told = Order([Step(0, frozenset("a"), first), Step(4, frozenset("a"), then)])
    assert passed(exchanges, [told], "throttle").tolist() == [True, False, False, False, True, True, True, False]


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("abc")), min_size=1), st.integers(0, 9), st.integers(0, 5))
def test_suspend_lets_through_no_more_than_throttle(seen, at, quota):
    exchanges = log(*((t, account, 1, "x") for t, account in sorted(seen)))
    orders = [order({"a": float(at), "b": float(at)}, [("requests", quota, 5)])]
    throttled, suspended = (passed(exchanges, orders, mode) for mode in ("throttle", "suspend"))
    assert not (suspended & ~throttled).any()


def test_only_accounts_in_no_campaign_are_benign():
    exchanges = log((0, "a", 1, "x"), (1, "b", 1, ""), (2, "b", 1, ""))
    through = np.array([False, False, True])
    assert refused_share(exchanges, through, {"b": "human"}) == {"human": {"requests": 2, "refused": 1, "share": 0.5}}


def test_attacks_are_told_from_other_requests_of_the_same_account(tmp_path):
    rows = [(3.25, "a", 7), (1.5, "a", None), (2.0, "b", 1)]
    frame = pl.DataFrame(rows, schema=["ts", "account_id", "output_tokens"], orient="row")
    frame.write_ndjson(tmp_path / "requests.ndjson")
    read = read_log(tmp_path / "requests.ndjson", Truth({"x": ["a"]}, {}, {"a": [3.25]}))
    assert (read.ts.tolist(), read.hostile.tolist()) == ([1.5, 2.0, 3.25], [False, False, True])
    assert (read.campaign.tolist(), read.output_tokens.tolist()) == (["x", "", "x"], [0, 1, 7])


def test_errors_and_embeddings_are_no_text(tmp_path):
    rows = [(1.0, "a", None, None), (2.0, "a", "chat", 529), (3.0, "a", "embeddings", 200), (4.0, "a", "chat", 200)]
    frame = pl.DataFrame(rows, schema=["ts", "account_id", "operation", "status"], orient="row")
    frame.write_ndjson(tmp_path / "requests.ndjson")
    assert read_log(tmp_path / "requests.ndjson", Truth({}, {}, {})).text.tolist() == [True, False, False, True]


@given(st.integers(1, 500), st.integers(1, 500))
def test_questions_travel_evenly_and_in_order(questions, exchanges):
    travels = spread(questions, exchanges)
    counts = np.bincount(travels, minlength=exchanges)
    assert (np.diff(travels) >= 0).all()
    assert len(counts) == exchanges
    assert counts.max() - counts.min() <= 1
