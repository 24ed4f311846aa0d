"""The keys of an issuer: read with care, kept, and read again when they change."""

import json
import threading

import pytest
from issuing import Issuer, serving

from detector.alerts.notify.reach import LOOPBACK, Reach
from detector.service.http.jwks import BETWEEN_S, Keys, KeysError

ALL = ("RS256", "ES256", "EdDSA")


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def keys_of(told, tmp_path, algorithms=ALL, clock=None):
    path = tmp_path / "jwks.json"
    path.write_text(told if isinstance(told, str) else json.dumps(told))
    return Keys(str(path), algorithms, Reach(), clock or Clock())


def test_all_three_algorithms_and_only_those_that_are_allowed(tmp_path):
    issuer = Issuer(a="RS256", b="ES256", c="EdDSA")
    keys = keys_of(issuer.jwks(), tmp_path)
    assert [keys.find(kid).algorithm_name for kid in "abc"] == list(ALL)
    only = keys_of(issuer.jwks(), tmp_path, ("EdDSA",))
    assert [only.find(kid) is not None for kid in "abc"] == [False, False, True]


def test_what_is_no_public_key_for_signatures_is_left_out(tmp_path):
    good = Issuer(k1="ES256").public("k1")
    bad = [
        {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "kid": "oct", "alg": "HS256"},
        {**good, "kid": "enc", "use": "enc"},
        {**good, "kid": "private", "d": "AAAA"},
        {**good, "kid": "broken", "x": "AA"},
        {**good, "kid": 5},
        {**good, "kid": "odd", "alg": ["ES256"]},
        {k: v for k, v in good.items() if k != "kid"},
        {**good, "kid": "none", "alg": "none"},
        "no key",
        None,
    ]
    keys = keys_of({"keys": [*bad, good]}, tmp_path)
    assert keys.find("k1") is not None
    assert all(keys.find(kid) is None for kid in ("oct", "enc", "private", "broken", "5", "none", ""))


@pytest.mark.parametrize("told", ["", "[]", '{"keys": {}}', '{"keys": []}', '{"keys": [1]}', "[" * 5000, " " * 300_000])
def test_a_broken_set_gives_no_keys(told, tmp_path):
    with pytest.raises(KeysError):
        keys_of(told, tmp_path).find("k1")


def test_a_new_key_is_found_and_made_up_ids_do_not_make_us_ask_on():
    issuer, clock = Issuer(k1="ES256"), Clock()
    with serving(lambda: json.dumps(issuer.jwks()).encode()) as (url, asked):
        keys = Keys(url, ALL, Reach(LOOPBACK), clock)
        assert keys.find("k1") is not None
        issuer.keys["k2"] = Issuer(k2="EdDSA").keys["k2"]
        for number in range(50):
            assert keys.find(f"made-up-{number}") is None
        assert keys.find("k2") is None
        assert len(asked) == 1
        clock.now += BETWEEN_S
        assert keys.find("k2") is not None
        assert len(asked) == 2
        for _ in range(50):
            assert keys.find("made-up") is None
        assert len(asked) == 2


def test_a_withdrawn_key_ends_within_an_hour_and_an_issuer_that_is_away_within_a_day():
    issuer, clock = Issuer(k1="ES256", k2="ES256"), Clock()
    there = [True]
    with serving(lambda: json.dumps(issuer.jwks()).encode() if there[-1] else 500) as (url, asked):
        keys = Keys(url, ALL, Reach(LOOPBACK), clock)
        assert keys.find("k1") is not None
        del issuer.keys["k1"]
        clock.now += 3601
        assert keys.find("k1") is None
        there.append(False)
        clock.now += 80_000
        assert keys.find("k2") is not None
        clock.now += 10_000
        with pytest.raises(KeysError):
            keys.find("k2")
        there.pop()
        clock.now += BETWEEN_S
        assert keys.find("k2") is not None
    assert len(asked) == 5


@pytest.mark.parametrize("answer", [302, 404, 500, b"x" * 300_000, b"{}"])
def test_an_issuer_that_answers_anything_else_is_not_followed(answer):
    with serving(lambda: answer) as (url, asked):
        keys = Keys(url, ALL, Reach(LOOPBACK), Clock())
        for _ in range(3):
            with pytest.raises(KeysError):
                keys.find("k1")
    assert asked == ["/jwks.json"]


def test_a_url_leads_only_where_it_may():
    with serving(lambda: b"{}") as (url, asked), pytest.raises(KeysError):
        Keys(url, ALL, Reach(), Clock()).find("k1")
    assert asked == []


def test_the_first_who_come_wait_for_one_reading():
    issuer, found = Issuer(k1="ES256"), []
    with serving(lambda: json.dumps(issuer.jwks()).encode()) as (url, asked):
        keys = Keys(url, ALL, Reach(LOOPBACK), Clock())
        threads = [threading.Thread(target=lambda: found.append(keys.find("k1"))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 8
    assert None not in found
    assert len(asked) == 1
