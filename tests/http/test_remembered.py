"""Lists that are asked for again and again: the same answer while nothing changed, a new one as soon as something did."""

import pytest
from making import alert

from detector.service.http.remembered import _LARGEST, _MOST, Remembered


class Times:
    """What the store has written, and the clock."""

    def __init__(self) -> None:
        self.changes, self.seconds = 0, 100.0

    def remembered(self) -> Remembered:
        return Remembered(lambda: self.changes, lambda: self.seconds)


def test_an_answer_holds_until_something_is_written_or_a_second_has_passed() -> None:
    times = Times()
    lists = times.remembered()
    lists.put("worst", lists.mark(), b"one")
    assert (lists.get("worst"), lists.get("newest")) == (b"one", None)
    times.changes += 1
    assert lists.get("worst") is None
    lists.put("worst", lists.mark(), b"two")
    times.seconds += 0.9
    assert lists.get("worst") == b"two"
    times.seconds += 0.2
    assert lists.get("worst") is None


def test_an_answer_that_was_read_before_a_write_is_not_given_after_it() -> None:
    times = Times()
    lists = times.remembered()
    mark = lists.mark()
    times.changes += 1  # while the database was asked
    lists.put("worst", mark, b"of before")
    assert lists.get("worst") is None


def test_whoever_is_told_of_a_change_is_not_given_the_list_of_before() -> None:
    times = Times()
    lists = times.remembered()
    mark = lists.mark()
    lists.put("worst", mark, b"of before")
    lists.outdate()
    assert lists.get("worst") is None
    lists.put("worst", mark, b"of before, and late")
    assert lists.get("worst") is None
    lists.put("worst", lists.mark(), b"of now")
    assert lists.get("worst") == b"of now"


def test_what_is_remembered_is_bounded() -> None:
    times = Times()
    lists = times.remembered()
    lists.put("large", lists.mark(), b"x" * (_LARGEST + 1))
    for i in range(_MOST + 1):
        lists.put(i, lists.mark(), b"page")
    assert lists.get("large") is None
    assert [i for i in range(_MOST + 1) if lists.get(i) is None] == [0]


@pytest.mark.parametrize("status", ["confirmed", "false_positive"])
def test_a_list_shows_what_was_decided_at_once(state, as_, status) -> None:
    state.store.alerts.upsert([alert("alr_1")])
    client = as_("read", "triage")
    asked = "/v1/alerts?order=worst"
    first, again = client("GET", asked), client("GET", asked)
    assert first.content == again.content
    assert first.json()["items"][0]["status"] == "open"
    client("POST", "/v1/alerts/alr_1/triage", json={"status": status})
    assert client("GET", asked).json()["items"][0]["status"] == status
    client("POST", "/v1/alerts/alr_1/undo")
    assert client("GET", asked).content == first.content


def test_whoever_may_not_read_is_not_given_what_others_were(state, as_) -> None:
    state.store.alerts.upsert([alert("alr_1")])
    assert as_("read")("GET", "/v1/alerts").status_code == 200
    assert as_("ingest")("GET", "/v1/alerts").status_code == 403
