"""One contract for every method that ranks, and what each one's rule says by hand."""

import math

import numpy as np
import polars as pl
import pytest
from bench_logs import START, exchanges, write_world

from benchmarks.detection.base import Case, Ranker
from benchmarks.detection.peers import PEERS
from benchmarks.detection.peers.honeypotllm import HoneypotLlm, similarity
from benchmarks.detection.peers.mmd import MmdWindow
from benchmarks.detection.peers.prada import Prada, nearest_earlier, strangeness
from benchmarks.detection.peers.seat import Seat
from benchmarks.detection.peers.volume import DailyRequests
from detector.evaluation.log import RequestLog, moment

RANKERS = [peer for peer in PEERS if issubclass(peer, Ranker)]
NOBODY = frozenset()


def case(folder, records):
    return write_world(folder, list(records)).case


def ranked(peer, asked, without=NOBODY):
    method = peer()
    return method.rank(method.prepare(asked), without)


def prompts(account, texts, gap=60.0):
    return [{"ts": START + gap * n, "account_id": account, "prompt": text} for n, text in enumerate(texts)]


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    return case(tmp_path_factory.mktemp("log"), exchanges(people=12, each=110))


@pytest.fixture(scope="module", params=RANKERS, ids=lambda peer: peer.__name__)
def answer(request, asked):
    """A method and what it says of the log."""
    return request.param, ranked(request.param, asked)


class TestContract:
    def test_it_judges_accounts_of_the_log_within_its_time(self, answer, asked):
        rank, log = answer[1], RequestLog(asked.requests)
        assert rank.schema == {"account_id": pl.String, "at": pl.Float64, "score": pl.Float64}
        assert set(rank["account_id"]) <= log.traffic().accounts
        times = log.frame("account_id", "ts").select(moment()).collect()["moment"]
        assert rank["at"].is_between(times.min(), times.max()).all()
        assert rank.height
        assert rank["score"].is_finite().all()

    def test_accounts_left_out_of_the_fit_are_judged_all_the_same(self, answer, asked):
        peer, whole = answer
        less = ranked(peer, asked, frozenset({"f0", "h1"}))
        assert set(whole["account_id"]) == set(less["account_id"])
        assert peer.fitted or whole.equals(less)

    def test_the_same_log_gives_the_same_scores(self, answer, asked):
        peer, whole = answer
        assert ranked(peer, asked).equals(whole)

    def test_a_log_without_optional_fields_is_no_error(self, answer, tmp_path):
        bare = case(tmp_path, [{"ts": START + n, "account_id": f"a{n % 7}"} for n in range(60)])
        assert set(ranked(answer[0], bare)["account_id"]) <= {f"a{n}" for n in range(7)}

    def test_it_says_who_it_is(self, answer):
        assert answer[0].label
        assert answer[0].__doc__


def test_labels_differ():
    labels = [peer.label for peer in PEERS if hasattr(peer, "label")]
    assert len(set(labels)) == len(labels)


def test_what_a_method_sees_has_no_truth():
    assert {"truth", "campaigns"}.isdisjoint(Case.__dataclass_fields__)


def test_volume_counts_up_to_each_exchange(tmp_path):
    records = [{"ts": 86_400.0 * day + n, "account_id": "a"} for day in range(2) for n in range(3)]
    rank = ranked(DailyRequests, case(tmp_path, records)).sort("at")
    assert rank["score"].to_list() == [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]


def test_honeypotllm_adds_up_likeness_and_gaps(tmp_path):
    # From the fourth prompt on each is the one before: .3 each; from the fifth request on the gap of .1 s adds .2 · (1 − .1/.5).
    rank = ranked(HoneypotLlm, case(tmp_path, prompts("a", ["grade this answer"] * 6, gap=0.1))).sort("at")
    decay = 0.05 * 0.1 / 3_600
    first = 0.3
    second = first - decay + 0.3 + 0.2 * 0.8
    assert rank["score"].to_list() == pytest.approx([first, second, 1.0], abs=1e-5)
    assert ranked(HoneypotLlm, case(tmp_path, prompts("a", ["one two", "three four", "five six"] * 5))).is_empty()


def test_honeypotllm_likeness_is_that_of_word_pairs():
    texts = ["x", "y", "z", "what is python now", "what is java now", "what is java then", ""]
    rows = pl.DataFrame({"account_id": ["a"] * len(texts), "prompt": texts})
    # "what is | is java | java now" against "what is | is java | java then": two of four; the pair before shares one of five.
    assert similarity(rows).to_list() == pytest.approx([0, 0, 0, 0, 0, 0.5, 0])


def test_prada_takes_the_nearest_earlier_query():
    vectors = np.array([[0, 0], [3, 4], [3, 3], [0, 1]], np.float32)
    assert nearest_earlier(vectors) == pytest.approx([5.0, 1.0, 1.0])


def test_prada_finds_a_grid_stranger_than_chance():
    rng = np.random.default_rng(2)
    natural = strangeness(rng.normal(1.0, 0.1, 300))
    synthetic = strangeness(np.r_[np.full(200, 0.1), rng.normal(1.0, 0.1, 100)])
    assert natural < Prada.own < synthetic
    assert strangeness(np.full(100, 0.3)) == 1.0


def test_prada_waits_for_a_hundred_distances(tmp_path):
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice(list("abcdefghijkl"), 6)) for _ in range(151)]
    rank = ranked(Prada, case(tmp_path, prompts("few", texts[:100]) + prompts("many", texts)))
    assert rank["account_id"].to_list() == ["many", "many"]
    assert rank["at"].to_list() == [START + 60.0 * 100, START + 60.0 * 150]


def test_seat_counts_queries_like_an_earlier_one(tmp_path):
    texts = [
        "grade this answer of the pupil",
        "tell me a story now",
        "grade this answer of the pupil",
        "hello",
        "hello",
    ]
    rank = ranked(Seat, case(tmp_path, prompts("a", texts))).sort("at")
    # "hello" has no three words: nothing to compare.
    assert rank["score"].to_list() == [1.0, 1.0, 1.0]


def test_mmd_rejects_as_rarely_as_it_says_and_finds_other_words(tmp_path):
    rng = np.random.default_rng(4)
    pool = [f"w{n}" for n in range(300)]
    people = [prompts(f"h{n}", [" ".join(rng.choice(pool, 10)) for _ in range(100)]) for n in range(120)]
    odd = prompts("odd", [" ".join(rng.choice(pool[:15], 10)) for _ in range(100)])
    rank = ranked(
        MmdWindow, case(tmp_path, [record for records in [*people, odd] for record in records]), frozenset({"odd"})
    )
    scores = dict(rank.select("account_id", "score").iter_rows())
    assert scores.pop("odd") > 3.0
    assert np.mean([score >= MmdWindow.own for score in scores.values()]) <= 0.03
    assert not math.isnan(min(scores.values()))
