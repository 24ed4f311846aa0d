"""Work ahead of time keeps its order, and what fails in a thread is not lost."""

import threading
from functools import partial

import polars as pl
import pytest

from detector.simulator import spool
from detector.simulator.ahead import THREADS, ahead
from detector.simulator.spool import Spool


def rows(*hours):
    return pl.DataFrame({"ts": [3600.0 * h for h in hours], "row": range(len(hours))})


def test_results_come_in_the_order_of_the_calls():
    first, done = threading.Event(), []

    def slow():
        assert first.wait(10)
        done.append("slow")
        return 0

    def quick(k):
        done.append("quick")
        first.set()
        return k

    assert list(ahead([slow, partial(quick, 1), partial(quick, 2)])) == [0, 1, 2]
    assert done[0] == "quick"


def test_only_a_few_calls_are_made_ahead():
    asked = []

    def calls():
        for k in range(100):
            asked.append(k)
            yield partial(int, k)

    results = ahead(calls())
    assert next(results) == 0
    assert len(asked) <= 2 * THREADS + 1
    results.close()


def test_a_call_that_fails_says_so():
    with pytest.raises(ValueError, match="invalid literal"):
        list(ahead([partial(int, "1"), partial(int, "no number")]))


def test_exchanges_come_out_by_time_and_the_disk_is_left_clean(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "_HELD", 3)
    with Spool(tmp_path, 0.0) as made:
        for part in (rows(5, 0.5), rows(2, 0.5), rows(0.2, 9), rows(1)):
            made.add(part)
        whole = pl.concat(list(made.sorted()))
        assert list(tmp_path.iterdir())
    assert whole["ts"].to_list() == sorted(whole["ts"])
    # Equal times keep the order in which they came: the second row of the first part, then of the second.
    assert whole.filter(pl.col("ts") == 1800.0)["row"].to_list() == [1, 1]
    assert made.rows == whole.height == 7
    assert not list(tmp_path.iterdir())


def test_a_disk_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "_HELD", 1)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_ipc", full)
    with Spool(tmp_path, 0.0) as made:
        made.add(rows(1, 2))
        with pytest.raises(OSError, match="No space"):
            list(made.sorted())
    assert not list(tmp_path.iterdir())
