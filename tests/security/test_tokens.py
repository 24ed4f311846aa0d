"""A token that is stolen from a disk is worth nothing, one that is guessed takes the same time whatever is right about it."""

import hashlib
import hmac
import sqlite3
import stat
from contextlib import closing

import pytest

from detector.alerts.store import Store
from detector.alerts.store import tokens as tokens_module
from detector.config import Settings
from detector.service.serve_cli import _keyed


@pytest.fixture
def store(tmp_path):
    opened = Store(f"sqlite:///{tmp_path / 'store.db'}")
    yield opened
    opened.close()


def test_only_a_hash_is_at_rest_and_a_token_is_long(store, tmp_path):
    _, secret = store.tokens.issue("ana", ("read",), "test")
    assert len(secret.removeprefix("rvn_")) >= 43  # 256 bits
    with closing(sqlite3.connect(tmp_path / "store.db")) as database:
        dump = "\n".join(database.iterdump())
    assert secret.removeprefix("rvn_") not in dump
    assert hashlib.sha256(secret.encode()).hexdigest().upper() in dump.upper()
    files = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert secret.removeprefix("rvn_").encode() not in files


def test_it_is_compared_in_constant_time(store, monkeypatch):
    _, secret = store.tokens.issue("ana", ("read",), "test")
    compared, real = [], hmac.compare_digest

    def compare(a, b):
        compared.append((len(a), len(b)))
        return real(a, b)

    monkeypatch.setattr(tokens_module.hmac, "compare_digest", compare)
    assert store.tokens.find(secret).name == "ana"
    assert compared == [(32, 32)]
    # Digests are looked up, never secrets: how much of a guess is right cannot be seen.
    assert store.tokens.find(secret[:-1] + ("a" if secret[-1] != "a" else "b")) is None


def test_a_revoked_token_is_dead_at_once_and_for_good(store):
    token, secret = store.tokens.issue("ana", ("admin",), "test")
    assert store.tokens.find(secret) is not None
    assert store.tokens.revoke(token.id, "test")
    assert store.tokens.find(secret) is None
    assert "token.revoke" in [e.action for e in store.audit.page()]


def test_the_hash_key_is_for_its_owner_only(tmp_path):
    made = _keyed(Settings(hash_key=0), tmp_path)
    path = tmp_path / "hash.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert _keyed(Settings(hash_key=0), tmp_path).hash_key == made.hash_key == int(path.read_text())
