"""One record with a wrong date does not move the clock of everybody."""

import time
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.service.leaps import AHEAD, Leaps
from streams.decode import Origin, decode_lines

HOUR, DAY = 3_600, 86_400
PAST = 1_772_000_000


def batch(*times):
    rows = [{"ts": t, "request_id": f"r{i}", "account_id": "a", "model": "m"} for i, t in enumerate(times)]
    return decode_lines(b"".join(msgspec.json.encode(row) + b"\n" for row in rows), Origin("test", 1, b"k"))


def left(leaps, *times, known=0):
    found = leaps.without(batch(*times), int(known * 1e6))
    assert found.read == found.frame.height + len(found.dead)
    return [t.timestamp() for t in found.frame["ts"]], found.dead


def test_a_record_of_another_year_is_a_dead_letter_and_the_others_count():
    year = datetime(2099, 1, 1, tzinfo=UTC).timestamp()
    believed, dead = left(Leaps(b"k"), PAST, year, PAST + 60)
    assert believed == [PAST, PAST + 60]
    assert [(letter.reason, letter.detail, letter.length) for letter in dead] == [(AHEAD, "ts", 0)]


def test_it_is_held_against_what_came_before():
    leaps = Leaps(b"k")
    far = time.time() + 30 * DAY
    assert left(leaps, far, known=PAST)[0] == []
    assert left(leaps, PAST + 60)[0] == [PAST + 60]
    assert left(leaps, far)[0] == []


@pytest.mark.parametrize("pause", [HOUR, 20 * DAY, 200 * DAY])
def test_logs_of_the_past_may_pause(pause):
    assert len(left(Leaps(b"k"), PAST, PAST + pause)[0]) == 2


def test_clocks_that_differ_by_minutes_are_believed():
    now = time.time()
    assert len(left(Leaps(b"k"), now - 5 * DAY, now + 10 * 60)[0]) == 2


@given(st.floats(-10 * DAY, 10 * DAY), st.lists(st.floats(0, 0.9 * DAY), min_size=1, max_size=20))
def test_traffic_that_goes_on_beyond_the_services_clock_is_believed(start, steps):
    leaps, at = Leaps(b"k"), time.time() + start
    for step in steps:
        at += step
        assert len(left(leaps, at)[0]) == 1


def test_the_same_record_has_the_same_letter():
    far = PAST + 10_000 * DAY
    assert left(Leaps(b"k"), PAST, far)[1] == left(Leaps(b"k"), PAST, far)[1] != left(Leaps(b"l"), PAST, far)[1]
