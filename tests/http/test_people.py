"""JWTs beside our own tokens: who is let in, who is not, and what the log says of them."""

import hashlib
import hmac
import itertools
import json
import time

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from double import Client
from issuing import ISSUER, Issuer, forged, serving, settings
from making import alert

from detector.alerts.notify.reach import LOOPBACK, Reach
from detector.config import ConfigError
from detector.service.http.jwks import Keys
from detector.service.http.people import People
from detector.service.http.routers import stream


@pytest.fixture(scope="module")
def issuer():
    return Issuer(k1="RS256", k2="ES256", k3="EdDSA")


@pytest.fixture
def trusting(state, issuer, tmp_path):
    """A state that trusts the issuer, by a file."""
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(issuer.jwks()))

    def made(**changes):
        state.people = People(settings(path, **changes))
        return state

    return made


def ask(state, secret, path="/v1/alerts", method="GET", **rest):
    return Client(state, secret)(method, path, **rest)


@pytest.mark.parametrize("kid", ["k1", "k2", "k3"])
def test_a_person_is_let_in_by_each_algorithm(trusting, issuer, kid):
    assert ask(trusting(), issuer.token(kid)).status_code == 200


def test_scopes_hold(trusting, issuer):
    state = trusting()
    assert ask(state, issuer.token(scope="triage")).status_code == 403
    assert ask(state, issuer.token(scope="")).status_code == 403
    assert ask(state, issuer.token(scope="read admin")).status_code == 200
    assert ask(state, issuer.token(scope={"read": 1})).status_code == 403


def test_scopes_are_those_that_the_settings_make_of_a_claim(trusting, issuer):
    state = trusting(scopes_claim="roles", scopes={"soc-analyst": ["read", "triage"], "soc-lead": ["admin"]})
    assert ask(state, issuer.token(roles=["soc-analyst", 7])).status_code == 200
    assert ask(state, issuer.token(roles=["soc-analyst"]), "/v1/audit").status_code == 403
    assert ask(state, issuer.token(roles="soc-lead other"), "/v1/audit").status_code == 200
    assert ask(state, issuer.token(roles=["admin"], scope="admin")).status_code == 403


def test_the_audit_log_names_the_person(trusting, issuer):
    state = trusting()
    state.store.alerts.upsert([alert()])
    secret = issuer.token(sub="ana@example.com", scope="triage")
    done = ask(state, secret, "/v1/alerts/alr_1/triage", "POST", json={"status": "confirmed"})
    assert done.status_code == 200
    (entry,) = [e for e in state.store.audit.page() if e.action == "alert.triage"]
    assert entry.actor == "ana@example.com"


def test_two_people_have_keys_and_rates_of_their_own(trusting, issuer):
    people = trusting().people
    ana, ben = people.find(issuer.token(sub="ana")), people.find(issuer.token(sub="ben"))
    assert ana.id != ben.id
    assert ana.id == people.find(issuer.token("k2", sub="ana")).id
    assert max(ana.id, ben.id) < 0


def hostile(issuer):
    """Tokens that must not be taken, with a word of why."""
    claims = issuer.claims()
    public = issuer.keys["k1"][1].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    jwk = json.dumps(issuer.public("k1")).encode()
    other = rsa.generate_private_key(65537, 2048)
    good = issuer.token()
    head, body, signature = good.split(".")
    now = int(time.time())

    def hmaced(key):
        bare = forged({"alg": "HS256", "typ": "JWT", "kid": "k1"}, claims).rpartition(".")[0]
        made = forged({}, {}, hmac.new(key, bare.encode(), hashlib.sha256).digest()).rpartition(".")[2]
        return f"{bare}.{made}"

    return {
        "no algorithm": (forged({"alg": "none", "kid": "k1"}, claims), "algorithm"),
        "no algorithm, otherwise written": (forged({"alg": "nOnE", "kid": "k1"}, claims), "algorithm"),
        "HS256 with the public key": (hmaced(public), "algorithm"),
        "HS256 with the public JWK": (hmaced(jwk), "algorithm"),
        "HS256 with nothing": (hmaced(b""), "algorithm"),
        "signed by somebody": (jwt.encode(claims, other, "RS256", {"kid": "k1"}), "signature"),
        "another algorithm of the key": (
            jwt.encode(claims, issuer.keys["k1"][1], "RS512", {"kid": "k1"}),
            "algorithm",
        ),
        "another key's id": (issuer.token("k1", {"kid": "k2"}), "algorithm"),
        "an unknown key": (issuer.token(header={"kid": "other"}), "no such key"),
        "a key's id that is none": (forged({"alg": "RS256", "kid": 5}, claims), "no JWT"),
        "no key's id": (jwt.encode(claims, issuer.keys["k1"][1], "RS256"), "kid"),
        "its own key": (
            jwt.encode(
                claims,
                other,
                "RS256",
                {"kid": "k1", "jwk": {"kty": "RSA"}, "jku": "https://192.0.2.1/", "x5u": "https://192.0.2.1/"},
            ),
            "signature",
        ),
        "a critical header": (issuer.token(header={"crit": ["future"], "future": 1}), "no JWT"),
        "expired": (issuer.token(exp=now - 60), "expired"),
        "not valid yet": (issuer.token(nbf=now + 600), "not valid yet"),
        "for ever": (issuer.token(exp=None), "lacks"),
        "an end that is no time": (issuer.token(exp="tomorrow"), "no JWT"),
        "an endless end": (issuer.token(exp=float("inf")), "no JWT"),
        "another audience": (issuer.token(aud="another-service"), "audience"),
        "no audience": (issuer.token(aud=None), "lacks"),
        "another issuer": (issuer.token(iss=ISSUER.rstrip("/")), "issuer"),
        "no issuer": (issuer.token(iss=None), "lacks"),
        "nobody": (issuer.token(sub=None), "lacks"),
        "an empty name": (issuer.token(sub=""), "no name"),
        "a name with a line break": (issuer.token(sub="ana\nengine"), "no name"),
        "a name without end": (issuer.token(sub="a" * 129), "no name"),
        "a name that is none": (forged({"alg": "RS256", "kid": "k1"}, {**claims, "sub": 5}), "signature"),
        "other claims": (f"{head}.{forged({}, {**claims, 'scope': 'admin'}).split('.')[1]}.{signature}", "signature"),
        "no signature": (f"{head}.{body}.", "signature"),
        "oversized": (issuer.token(note="x" * 8192), "too large"),
        "no text": ("..", "no JWT"),
        "no base64": ("a.b.c", "no JWT"),
        "deep": (forged({}, {}).replace("e30", jwt.utils.base64url_encode(b"[" * 3000).decode()), "no JWT"),
    }


def test_hostile_tokens_open_nothing_and_are_told_why(trusting, issuer):
    state = trusting()
    for name, (secret, why) in hostile(issuer).items():
        answer = ask(state, secret)
        assert answer.status_code == 401, name
        assert answer.headers["content-type"] == "application/problem+json", name
        assert why in answer.json()["detail"], (name, answer.json())
        assert 'error="invalid_token"' in answer.headers["www-authenticate"], name
        assert secret[:20] not in answer.text, name


def test_an_algorithm_can_be_ruled_out(trusting, issuer):
    state = trusting(algorithms=["EdDSA"])
    assert ask(state, issuer.token("k3")).status_code == 200
    assert ask(state, issuer.token("k1")).status_code == 401


def test_our_own_tokens_go_on_beside(trusting):
    state = trusting()
    assert ask(state, state.store.tokens.issue("gateway", ("read",), "test")[1]).status_code == 200
    assert ask(state, "rvn_made-up").status_code == 401


def test_without_an_issuer_no_jwt_is_taken(state, issuer):
    assert ask(state, issuer.token()).status_code == 401


def test_an_issuer_on_a_port_whose_keys_change(state):
    clock = [0.0]
    changing = Issuer(k1="EdDSA")
    there = [False]
    with serving(lambda: json.dumps(changing.jwks()).encode() if there[-1] else 500) as (url, asked):
        keys = Keys(url, ("EdDSA",), Reach(LOOPBACK), lambda: clock[0])
        state.people = People(settings(url, allow=["127.0.0.0/8"]), keys)
        away = ask(state, changing.token())
        assert (away.status_code, away.headers["retry-after"]) == (503, "60")
        assert away.headers["content-type"] == "application/problem+json"
        there.append(True)
        clock[0] += 60
        assert ask(state, changing.token()).status_code == 200
        changing.keys["k2"] = Issuer(k2="EdDSA").keys["k2"]
        assert ask(state, changing.token("k2")).status_code == 401
        clock[0] += 60
        assert ask(state, changing.token("k2")).status_code == 200
    assert len(asked) == 3


def test_a_file_without_keys_is_an_error_of_the_settings(tmp_path):
    (tmp_path / "empty.json").write_text('{"keys": []}')
    for path in (tmp_path / "none.json", tmp_path / "empty.json"):
        with pytest.raises(ConfigError, match=r"^jwt: .*json"):
            People(settings(path))


def test_a_stream_ends_with_its_token(trusting, issuer, monkeypatch):
    state = trusting()
    monkeypatch.setattr(stream, "_CHECK_S", 0.0)
    monkeypatch.setattr(stream, "_POLL_S", 0.001)
    ours, secret = state.store.tokens.issue("ana", ("read",), "test")
    moments = itertools.count()

    def changes(*_):
        if next(moments) == 20:
            state.store.tokens.revoke(ours.id, "test")
        return []

    monkeypatch.setattr(state.store.alerts, "changes", changes)
    assert ask(state, secret, "/v1/alerts/stream").text == "retry: 2000\n\n"
    theirs = state.people.find(issuer.token())
    assert state.store.tokens.alive(theirs)
    assert not state.store.tokens.alive(msgspec.structs.replace(theirs, expires_at=1))
