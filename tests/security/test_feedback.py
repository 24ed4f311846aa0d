"""What people say about alerts is kept, and changes no score: whoever holds one token cannot teach the detector."""

import time

import msgspec
import pytest
from making import alert

from detector.alerts.store import Store
from detector.alerts.store.alerts import Filters
from detector.config import Settings
from detector.service.http.metrics import Metrics
from detector.service.live import Live
from detector.service.replay import make_engine
from streams.decode import Origin, decode_lines

START = 1_772_000_000


def batch(first, each=40):
    rows = [
        {
            "ts": START + 60 * i,
            "request_id": f"r-{i}",
            "account_id": f"acct-{a}",
            "model": "m",
            "prompt": f"explain step by step item {i}",
            "logprobs": True,
            "output_tokens": 900,
        }
        for i in range(first, first + each)
        for a in range(6)
    ]
    return decode_lines(b"\n".join(msgspec.json.encode(r) for r in rows), Origin("test", 1, b"k"))


def scores(folder, say):
    """Scores of all accounts after two batches, with something said in between."""
    folder.mkdir()
    store = Store(f"sqlite:///{folder / 'store.db'}")
    live = Live(make_engine(Settings(hash_key=7), None, None), store, Metrics(), folder)
    live.start()
    try:
        for first in (0, 40):
            live.submit(batch(first))
            deadline = time.monotonic() + 60
            while live.waiting:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            say(store)
        return [msgspec.json.encode(live.account(f"acct-{a}")) for a in range(6)]
    finally:
        live.stop(10)
        store.close()


def poison(store):
    for n in range(200):
        store.labels.add("account", f"acct-{n % 6}", "benign", "mallory", None)
    for found in store.alerts.page(Filters(merged=True)).items:
        store.triage.decide(found.id, "false_positive", "mallory")


def test_a_flood_of_labels_moves_no_score(tmp_path):
    quiet = scores(tmp_path / "quiet", lambda _: None)
    assert scores(tmp_path / "poisoned", poison) == quiet


@pytest.mark.parametrize("verdict", ["false_positive", "resolved"])
def test_a_decision_has_a_name_and_can_be_taken_back(tmp_path, verdict):
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    try:
        store.alerts.upsert([alert()])
        store.triage.decide("alr_1", verdict, "mallory")
        assert store.alerts.get("alr_1").status == verdict
        assert [e.actor for e in store.audit.page()] == ["mallory"]
        store.triage.undo("alr_1", "ana")
        assert store.alerts.get("alr_1").status == "open"
        assert store.audit.verify() is None
    finally:
        store.close()
