from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cases import DAY, HOUR, START, case, member, ticks
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.alerts.book import AlertBook
from detector.alerts.entry import INDICATED, alert_id
from detector.alerts.model import ACTIONABLE, SEVERITIES, Alert, Named, rfc3339
from detector.report.case import read_case
from detector.report.words import headline


def run(*looks):
    """A book after ticks an hour apart."""
    book = AlertBook()
    for i, cases in enumerate(looks):
        book.tick(START + i * HOUR, cases)
    return book


def only(book):
    (alert,) = book.alerts()
    return alert


def at(hours):
    return rfc3339(START + hours * HOUR)


def test_the_id_is_of_the_kind_and_the_first_account_and_stays():
    book = run([case("b a c")], [case("a b c d e", "critical")], [case("c d e")])
    assert only(book).id == alert_id("cluster", "a")
    assert only(run([case("a")])).id == alert_id("account", "a") != alert_id("cluster", "a")


def test_the_headline_is_the_reports_and_grows_with_the_alert():
    book = run([case("a b", evidence={"links": {"payment": 4.0}})])
    assert only(book).headline == "2 accounts pay with the same cards"
    book.tick(START + HOUR, [case("a b c", evidence={"links": {"payment": 4.0}})])
    alert = only(book)
    assert alert.headline == "3 accounts pay with the same cards" == headline(read_case(msgspec.to_builtins(alert)))
    assert only(run([case("a")])).headline.startswith("One account: ")


def test_a_later_tick_grows_the_alert_and_keeps_each_first_time():
    alert = only(run([case("a b")], [case("a b c")], [case("b c")]))
    assert alert.accounts == ["a", "b", "c"]
    assert alert.account_detected_at == {"a": at(0), "b": at(0), "c": at(1)}
    assert alert.detected_at == at(0)


def test_detection_counts_from_the_severity_that_the_alert_has():
    alert = only(run([case("a b", "low")], [case("a b", "critical", 99.0)]))
    assert alert.severity == "critical"
    assert alert.account_detected_at == {"a": at(1), "b": at(1)}


def test_severity_and_risk_do_not_shrink():
    alert = only(run([case("a b", "critical", 99.0)], [case("a b", "low", 20.0)]))
    assert (alert.severity, alert.risk) == ("critical", 99.0)
    assert alert.p_value == case("a b", "critical", 99.0).p_value


def test_on_a_merge_the_older_id_survives():
    book = run([case("a b")], [case("a b"), case("x y z", "critical", 95.0)], [case("a b x y z")])
    older, younger = alert_id("cluster", "a"), alert_id("cluster", "x")
    alert = only(book)
    assert (alert.id, alert.supersedes) == (older, [younger])
    assert book.entries[younger].merged_into == older
    assert alert.account_detected_at == {"a": at(0), "b": at(0), "x": at(1), "y": at(1), "z": at(1)}
    assert alert.severity == "critical"


def test_merges_chain():
    book = run([case("a b")], [case("m n")], [case("x y")], [case("m n x y")], [case("a b m n x y")])
    assert only(book).id == alert_id("cluster", "a")
    assert set(only(book).supersedes) == {alert_id("cluster", "m"), alert_id("cluster", "x")}
    assert book.join(START + DAY, alert_id("cluster", "x"), member("new"))
    assert "new" in only(book).accounts


def test_on_a_split_the_larger_part_keeps_the_id_and_the_smaller_gets_its_own():
    book = run([case("a b c d e")], [case("a b"), case("c d e")])
    old, new = (alert_id("cluster", "a"), alert_id("cluster", "a", 1))
    assert set(book.entries) == {old, new}
    assert book.entries[new].named.keys() == {"a", "b"}
    assert book.entries[old].named.keys() == set("abcde"), "accounts never shrink"


def test_a_part_that_is_split_off_was_named_when_the_whole_was():
    book = run(
        [case("a b c d e", exchanges=10)],
        [case("a b", exchanges=90), case("c d e", exchanges=90)],
        [case("a b f", exchanges=95), case("c d e", exchanges=95)],
    )
    part = next(alert for alert in book.alerts() if "f" in alert.accounts)
    assert part.account_detected_at == {"a": at(0), "b": at(0), "f": at(2)}
    assert (part.detected_at, part.exchanges_before_detection) == (at(0), 10 + 10 + 95)


def test_a_part_that_is_split_off_from_a_weak_alert_is_named_when_it_is_actionable():
    book = run([case("a b c d e", "low", 20.0)], [case("a b"), case("c d e", "low", 20.0)])
    part = next(alert for alert in book.alerts() if alert.severity == "high")
    assert part.account_detected_at == {"a": at(1), "b": at(1)}


def test_a_part_that_was_split_off_stays_apart_while_the_larger_part_is_silent():
    book = run([case("a b c d e")], [case("a b"), case("c d e")], [case("a b f")], [case("a b f"), case("c d e g")])
    assert {frozenset(e.named) for e in book.live()} == {frozenset("abf"), frozenset("abcdeg")}


def test_parts_that_come_together_again_are_one_alert():
    book = run([case("a b c d e")], [case("a b"), case("c d e")], [case("a b c d e")])
    assert only(book).id == alert_id("cluster", "a")


def test_an_account_is_grouped_into_its_cluster_whichever_comes_first():
    before = only(run([case("a", "high")], [case("a b c", "medium", 60.0)]))
    after = only(run([case("a b c", "medium", 60.0)], [case("a", "high")]))
    for alert in (before, after):
        assert alert.kind == "cluster"
        assert alert.accounts == ["a", "b", "c"]
        assert (alert.severity, alert.risk) == ("high", 80.0)
        assert alert.account_detected_at.keys() == {"a", "b", "c"}
    assert before.id == alert_id("account", "a")


def test_the_case_of_a_cluster_speaks_for_the_alert():
    alone, group = case("a", "critical", 99.0, codes=["MULTI_SAMPLE"]), case("a b c", "high", codes=["LENGTH_TWINS"])
    for looks in ([[alone], [group]], [[group], [alone]], [[group, alone]]):
        book = run(*looks)
        (entry,) = book.live()
        assert entry.case.kind == "cluster"
        assert [r.code for r in only(book).reasons] == ["LENGTH_TWINS"]


def test_an_account_that_joined_by_an_indicator_is_not_alerted_twice():
    book = run([case("j", "low", 10.0)], [case("a b c")])
    assert book.join(START + HOUR + 1, alert_id("cluster", "a"), member("j", "peripheral", 1, 0))
    assert not book.join(START + HOUR + 2, alert_id("cluster", "a"), member("j"))
    book.tick(START + 2 * HOUR, [case("a b c j")])
    alert = only(book)
    assert alert.accounts == ["a", "b", "c", "j"]
    assert alert.account_detected_at["j"] == rfc3339(START + HOUR + 1)


def test_who_shows_the_text_of_a_cluster_again_and_again_is_core():
    name, joiner = alert_id("cluster", "a"), member("j", "peripheral", 1, 0, INDICATED)
    book = run([case("a b c")])
    assert book.join(START + 1, name, joiner)
    assert not book.join(START + 2, name, joiner)
    assert book.find(name).joining("j")
    assert book.join(START + 3, name, joiner)
    assert not book.join(START + 4, name, joiner)
    assert roles(only(book))["j"] == "core"
    # It was no look that called it core: none has to go on doing so.
    book.tick(START + 3 * DAY, [case("a b c")])
    assert roles(only(book))["j"] == "core"
    book.tick(START + 4 * DAY, [case("a b c j", role="peripheral")])
    assert not book.join(START + 4 * DAY, name, joiner)
    assert roles(only(book))["j"] == "peripheral"


def roles(alert):
    return {m.account_id: m.role for m in alert.members}


def test_who_turns_from_peripheral_to_core_is_told():
    book = run([case("a b c", role="peripheral")])
    (entry,) = book.tick(START + HOUR, [case("a b c")])
    assert entry.core() == {"a", "b", "c"}
    assert not book.tick(START + 2 * HOUR, [case("a b c")])


@pytest.mark.parametrize("links", [(), ("tls",), ("mail", "tls")])
def test_who_is_alike_and_shares_nothing_rare_is_core_from_the_second_look_on(links):
    book = run([case("a b c", links=links)])
    assert only(book).accounts == ["a", "b", "c"]
    assert set(roles(only(book)).values()) == {"peripheral"}
    (entry,) = book.tick(START + HOUR, [case("a b c d", links=links)])
    assert entry.core() == {"a", "b", "c"}
    # What is known of one alert is known of the one that takes it in.
    book.tick(START + 2 * HOUR, [case("x y z", links=links)])
    (entry,) = book.tick(START + 3 * HOUR, [case("a b c d x y z", links=links)])
    assert entry.core() == set(only(book).accounts) == set("abcdxyz")


def test_an_account_that_alerts_by_itself_is_core_at_once():
    assert roles(only(run([case("a", links=())]))) == {"a": "core"}


def test_a_look_that_differs_unbinds_nobody_and_half_a_day_of_them_does():
    book = run([case("a b c x", exchanges=5)])
    assert not book.tick(START + HOUR, [case("a b c x", role="peripheral", exchanges=6)])
    assert set(roles(only(book)).values()) == {"core"}
    assert not book.tick(START + 12 * HOUR, [case("a b c")])
    (entry,) = book.tick(START + 13 * HOUR, [case("a b c")])
    assert entry.core() == {"a", "b", "c"}
    assert only(book).accounts == ["a", "b", "c", "x"]
    (entry,) = book.tick(START + 14 * HOUR, [case("a b c x")])
    assert entry.core() == {"a", "b", "c", "x"}


def test_bystanders_of_a_cluster_below_high_stay_out_of_the_alert_that_is_acted_on():
    book = run([case("a b c d", "critical")], [case("a b c x", "low")], [case("a b c d e", "critical")])
    acted, watched = sorted(book.alerts(), key=lambda alert: alert.severity)
    assert (acted.severity, acted.accounts) == ("critical", ["a", "b", "c", "d", "e"])
    assert (watched.severity, watched.accounts) == ("low", ["a", "b", "c", "x"])


def test_an_alert_below_high_does_not_rise_with_accounts_that_the_case_leaves_out():
    book = run([case("a b c x", "low")], [case("a b c", "critical")], [case("a b c", "low")])
    acted, watched = sorted(book.alerts(), key=lambda alert: alert.severity)
    assert (acted.severity, acted.accounts) == ("critical", ["a", "b", "c"])
    assert (watched.severity, watched.accounts) == ("low", ["a", "b", "c", "x"])


def test_an_alert_below_high_rises_with_a_case_of_all_its_accounts():
    alert = only(run([case("a b c", "low")], [case("a b c d", "critical")]))
    assert (alert.severity, alert.accounts) == ("critical", ["a", "b", "c", "d"])


def test_the_span_is_of_all_cases():
    looks = [
        [case("a b", first_seen=START - 9 * DAY, last_seen=START)],
        [case("x y", first_seen=START - 20 * DAY, last_seen=START + 5 * HOUR)],
        [case("a b x y", "critical", 99.0, first_seen=START - DAY, last_seen=START + HOUR)],
    ]
    alert = only(run(*looks))
    assert alert.first_seen == rfc3339(START - 20 * DAY)
    assert alert.last_seen == at(5)


def test_what_leaked_is_what_it_had_done_when_it_was_named():
    alert = only(run([case("a b", "medium", exchanges=3)], [case("a b", exchanges=7)], [case("a b", exchanges=4)]))
    assert alert.exchanges_before_detection == 14
    assert alert.exchanges == 14, "the window forgets, the alert does not"
    assert alert.output_tokens_leaked == 2_000


def test_of_whom_nobody_was_told_to_do_anything_about_all_so_far_has_leaked():
    looks = [[case("a b", "medium", exchanges=3)], [case("a b", "medium", exchanges=7)]]
    alert = only(run(*looks))
    assert alert.exchanges_before_detection == alert.exchanges == 14
    assert alert.output_tokens_leaked == 2_000
    risen = only(run(*looks, [case("a b", exchanges=9)], [case("a b", exchanges=20)]))
    assert (risen.exchanges_before_detection, risen.exchanges) == (18, 40)


def test_changed_alerts_are_told_and_quiet_ones_are_not():
    book = AlertBook()
    first = case("a b")
    assert [e.id for e in book.tick(START, [first])] == [alert_id("cluster", "a")]
    assert book.tick(START + HOUR, [first]) == []
    assert len(book.tick(START + 2 * HOUR, [case("a b c")])) == 1
    assert len(book.tick(START + 3 * HOUR, [case("c", "critical", 99.0)])) == 1, "a member's own signs raise it"
    assert book.tick(START + 4 * HOUR, [case("c", "critical", 99.0)]) == []


def test_alerts_are_written_most_severe_first_and_round_trip():
    book = run([case("a b", "low", 20.0), case("x y", "critical", 99.0), case("k", "high")])
    alerts = book.alerts()
    assert [a.severity for a in alerts] == ["critical", "high", "low"]
    assert [msgspec.json.decode(msgspec.json.encode(a), type=Alert).id for a in alerts] == [a.id for a in alerts]


def first_named(book):
    """By account, when any alert first named it."""
    times = {}
    for entry in book.entries.values():
        for account, when in entry.named.items():
            times[account] = min(when, times.get(account, when))
    return times


def written(book):
    return sorted(msgspec.json.encode(a) for a in book.alerts())


@settings(max_examples=40)
@given(st.lists(ticks(), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_cases_within_a_tick_does_not_matter(looks, random):
    shuffled = [random.sample(cases, len(cases)) for cases in looks]
    assert written(run(*looks)) == written(run(*shuffled))


@settings(max_examples=40)
@given(st.lists(ticks(), min_size=1, max_size=6))
def test_severity_and_accounts_never_shrink_and_times_never_move(looks):
    book, before = AlertBook(), {}
    for i, cases in enumerate(looks):
        book.tick(START + i * HOUR, cases)
        now = {e.id: e.alert() for e in book.entries.values()}
        for name, old in before.items():
            home = book.entries[name]
            while home.merged_into is not None:
                home = book.entries[home.merged_into]
            new = now[home.id]
            assert set(new.accounts) >= set(old.accounts)
            assert SEVERITIES.index(new.severity) >= SEVERITIES.index(old.severity)
            assert new.risk >= old.risk
            assert new.exchanges >= max(old.exchanges, new.exchanges_before_detection)
            if SEVERITIES.index(old.severity) >= ACTIONABLE:
                assert all(new.account_detected_at[a] <= t for a, t in old.account_detected_at.items())
        before = now


@settings(max_examples=40)
@given(st.lists(ticks(), min_size=1, max_size=6))
def test_every_case_is_in_a_live_alert_at_least_as_severe(looks):
    book = AlertBook()
    for i, cases in enumerate(looks):
        book.tick(START + i * HOUR, cases)
        alerts = book.alerts()
        for c in cases:
            assert any(c.accounts <= set(a.accounts) and SEVERITIES.index(a.severity) >= c.level for a in alerts), (
                "no case may get lost"
            )
        for a in alerts:
            assert set(a.account_detected_at) == set(a.accounts)
            assert {m.account_id for m in a.members} == set(a.accounts)
            assert a.merged_into is None


@settings(max_examples=40)
@given(st.lists(ticks(), min_size=2, max_size=5), st.integers(1, 4))
def test_a_tick_knows_nothing_of_later_ones(looks, cut):
    part, whole = run(*looks[:cut]), run(*looks)
    assert part.entries.keys() <= whole.entries.keys()
    end = START + (cut - 1) * HOUR
    assert first_named(part) == {a: t for a, t in first_named(whole).items() if t <= end}


@pytest.mark.parametrize("micros", [0, 1, 999, 1_000, START + 123_000, START + 999_999])
def test_times_are_written_to_the_millisecond(micros):
    back = datetime.fromisoformat(rfc3339(micros))
    assert (
        timedelta()
        <= datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros) - back
        < timedelta(milliseconds=1)
    )


def test_a_member_in_doubt_is_shown_and_bound_when_it_is_known_whose_it_is():
    book = AlertBook()
    (entry,) = book.tick(START, [case("a b c")])
    book.doubt(entry.id, ["a", "stranger"])
    assert entry.core() == {"b", "c"}
    assert {m.account_id: m.role for m in entry.alert().members} == {"a": "peripheral", "b": "core", "c": "core"}
    assert {m.account_id for m in entry.bound if m.role == "core"} == {"b", "c"}
    book.tick(START + HOUR, [case("a b c")])
    assert entry.core() == {"b", "c"}
    assert book.blame(START + HOUR, entry.id, "a", []) == [entry]
    assert entry.core() == {"a", "b", "c"}


def test_an_end_user_has_an_alert_of_his_own_where_he_is_bound_in_place_of_his_account():
    book = AlertBook()
    (entry,) = book.tick(START, [case("a b c")])
    user = Named("end_user", "u1", 40, 0, alone=True)
    _, own = book.blame(START + HOUR, entry.id, "a", [user])
    assert (own.subject, [m.account_id for m in own.bound]) == (user, ["a"])
    assert [m.account_id for m in entry.bound] == ["b", "c"]
    assert own.alert().kind == "account"


def test_an_account_that_goes_on_with_its_other_key_is_bound_again():
    book = AlertBook()
    (entry,) = book.tick(START, [case("a b c")])
    key = Named("api_key", "k1", 40, 0)
    changed = book.blame(START + HOUR, entry.id, "a", [key])
    assert [m.account_id for m in entry.bound] == ["b", "c"]
    assert [(e.subject, [m.account_id for m in e.bound]) for e in changed if e is not entry] == [(key, ["a"])]
    assert book.blame(START + HOUR, entry.id, "a", [key]) == []
    user = Named("end_user", "u1", 40, 0)
    assert book.blame(START + HOUR, entry.id, "b", [user]) == [entry]
    assert [m.account_id for m in entry.bound] == ["b", "c"]
    assert book.blame(START + 2 * HOUR, entry.id, "a", []) == [entry]
    assert [m.account_id for m in entry.bound] == ["a", "b", "c"]


def test_each_case_of_a_tick_is_told_its_alert_though_nothing_moved():
    book = run([case("a b c d", "critical", 98.0)])
    ((placed, entry, moved),) = book.placed(START + HOUR, [case("a b c", "high", 90.0)])
    assert placed.accounts == frozenset("abc")
    assert entry.id == only(book).id
    assert not moved
